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

void leave_what_was_begun(DeadHost& dead, std::size_t worker, const ChildsWork& work) {
    std::erase_if(dead.notes, [&](const DeadHost::Note& note) {
        const std::uint64_t number = work.first + note.place;
        return note.worker == worker && (number <= work.done || number > work.begun);
    });
}

}  // namespace rococo::svchost
