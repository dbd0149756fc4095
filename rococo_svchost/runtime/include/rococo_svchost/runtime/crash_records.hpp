// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>

#include "rococo_svchost/runtime/message_identity.hpp"

namespace rococo::svchost {

/// What is known of messages that were in hand when a host died, as the dispatcher sees it:
/// `CrashNotes` on a disk, a map in the simulator.
///
/// **Thread-safety**: the dispatcher's thread.
class CrashRecords {
public:
    /// What is known of a message.
    struct Record {
        std::uint32_t crashes = 0;  ///< How often a host died of it.
        std::uint32_t attempt = 0;  ///< What the queue had counted by then; 0: not known.
        bool suspect = false;       ///< To be processed in no batch.
        bool alone = false;         ///< To be processed while nothing else is.

        /// Of the crashes, those that the queue's own count does not have in it. A retry writes
        /// them there, and may be here before anybody knows that it is safe; a retry by a host that
        /// did not know of them does not.
        [[nodiscard]] std::uint32_t uncounted(std::uint32_t queue_attempt) const {
            if (attempt == 0 || queue_attempt <= attempt) return crashes;
            return crashes - std::min(crashes, queue_attempt - attempt - 1);
        }
    };

    virtual ~CrashRecords() = default;

    /// What is known of a message. Costs nothing while nobody has crashed.
    [[nodiscard]] virtual Record record(MessageIdentity message) const = 0;

    /// Looks again for hosts that died since: worth it when a message was redelivered.
    virtual void take_in_the_dead() = 0;

    /// Forgets a message: it was settled.
    virtual void forget(MessageIdentity message) = 0;

protected:
    CrashRecords() = default;
    CrashRecords(const CrashRecords&) = default;
    CrashRecords& operator=(const CrashRecords&) = default;
};

}  // namespace rococo::svchost
