// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/inquest.hpp"

namespace rococo::svchost {

Inquest hold_inquest(const DeadHost& dead) {
    Inquest inquest;
    if (dead.ending_on_purpose && !dead.blamed) return inquest;
    inquest.accused = dead.notes;
    if (dead.blamed) {
        std::erase_if(inquest.accused,
                      [&](const auto& note) { return note.worker != *dead.blamed; });
    }
    inquest.charged = inquest.accused.size() == 1;
    inquest.alone = !dead.blamed;
    return inquest;
}

}  // namespace rococo::svchost
