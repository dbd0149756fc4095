// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rococo_svchost/runtime/message_identity.hpp"

namespace rococo::svchost {

/// What a dead host left.
struct DeadHost {
    struct Note {
        std::size_t worker = 0;
        std::size_t place = 0;  ///< Among what the worker had in hand.
        MessageIdentity identity = 0;
        std::uint32_t attempt = 0;  ///< As the queue counted; 0: not known.
        std::string name{};
    };

    std::size_t workers = 0;
    std::uint32_t pid = 0;  ///< 0: of version 1.0.0, which did not say.
    bool ending_on_purpose = false;
    std::optional<std::size_t> blamed;  ///< The worker that it died of.
    int signal = 0;
    std::vector<Note> notes;
};

/// Which messages a host may have died of, and what follows for them (docs/adr/0002):
///
/// - The death had a name: a worker that had one message in hand charges it with a crash; a batch
/// of
///   several become suspects, processed one at a time, so that the next death names one.
/// - It had none (SIGKILL, no memory, `_exit`): the only message in hand in the whole host is
///   charged; several become suspects that are processed alone, with nothing beside them.
/// - The host was ending on purpose: nobody is charged, nobody a suspect.
struct Inquest {
    std::vector<DeadHost::Note> accused;
    bool charged = false;  ///< The only one accused is charged with a crash; else all are suspects.
    bool alone = false;    ///< Suspects are processed with nothing beside them.
};

[[nodiscard]] Inquest hold_inquest(const DeadHost& dead);

/// Where a worker's child was, as the page says that they shared (docs/adr/0010).
struct ChildsWork {
    std::uint64_t first = 0;  ///< The number of the worker's first note.
    std::uint64_t begun = 0;  ///< The last message that was begun.
    std::uint64_t done = 0;   ///< All up to it have ended.
};

/// Of what the worker had noted, leaves what its child had begun and not ended.
void leave_what_was_begun(DeadHost& dead, std::size_t worker, const ChildsWork& work);

}  // namespace rococo::svchost
