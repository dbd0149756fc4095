// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo_svchost/runtime/message_identity.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// A delivery on its way to a worker, with all that is known of its past.
struct Job {
    std::unique_ptr<messaging::Delivery> delivery;
    std::uint32_t attempt = 1;  ///< Crashes included.
    MessageIdentity identity = 0;
    /// Attempts that were begun and that the queue cannot count: they ended in a crash, or the
    /// queue took the message back since they took too long.
    std::uint32_t begun_before = 0;
    bool suspect = false;  ///< Was in hand when a host died: it is processed in no batch.
    /// A suspect's last attempt: nothing else is processed meanwhile, so that another crash is its
    /// own, and no message is given up for the crashes of its neighbours.
    bool alone = false;
    bool lost = false;  ///< The queue took it back while it was processed.
};

/// A job that a worker is done with.
struct FinishedJob {
    Job job;
    Outcome outcome;
    SteadyTime begun_at{};  ///< When its call began. In a window: when its turn came, about.
    SteadyTime ended_at{};
    bool overdue = false;  ///< Its call has passed PROCESS_TIMEOUT.
};

/// What the workers did since it was last asked.
struct Harvest {
    std::vector<FinishedJob> jobs;
    std::chrono::nanoseconds busy{};  ///< Time spent in `process`, all workers together.
    bool look_again = false;  ///< Jobs wait and workers are idle: collect again in milliseconds.
};

}  // namespace rococo::svchost
