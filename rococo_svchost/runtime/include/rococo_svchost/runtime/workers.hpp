// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "rococo_svchost/runtime/job.hpp"

namespace rococo::svchost {

/// Who processes jobs, as the dispatcher sees them: threads in a host (`WorkerPool`), a table of
/// times in the simulator. Jobs are begun in the order of submission.
///
/// **Thread-safety**: the dispatcher's thread.
class Workers {
public:
    /// A call that is still running.
    struct Running {
        std::size_t worker;
        std::string message;   ///< The name of the first where there are several.
        std::size_t messages;  ///< How many the call was given.
        std::chrono::steady_clock::duration running_for;
        bool overdue = false;  ///< It has just passed PROCESS_TIMEOUT.
    };

    /// What is found of deliveries that the queue took back.
    struct TakenBack {
        std::vector<Job> not_begun;
        /// Valid until the next `collect`: they are being processed, or have just been, and come
        /// with `lost` set.
        std::vector<const messaging::Delivery*> begun;
    };

    virtual ~Workers() = default;

    virtual void submit(std::vector<Job> jobs) = 0;

    /// Takes what is done. Sets `harvest` anew.
    virtual void collect(Harvest& harvest) = 0;

    /// Takes back the jobs that no worker has begun.
    [[nodiscard]] virtual std::vector<Job> take_back() = 0;
    /// Takes those jobs back that no worker has begun; marks the others as lost.
    [[nodiscard]] virtual TakenBack take_back(
        const std::unordered_set<std::uint64_t>& deliveries) = 0;

    /// While held, no job is begun; those that were begun go on.
    virtual void hold(bool held) = 0;

    /// How many jobs were submitted and not yet collected or taken back.
    [[nodiscard]] virtual std::size_t in_hand() const = 0;

    /// Calls that are worth a line in the log: those that have just passed PROCESS_TIMEOUT, which
    /// are asked to end; without one, those that have taken a minute. Each comes again when it has
    /// taken twice as long, and then every hour at the latest.
    [[nodiscard]] virtual std::vector<Running> take_long_calls() = 0;

    /// All calls that are running, those that began first in front.
    [[nodiscard]] virtual std::vector<Running> running_calls() const = 0;

    /// Asks all running calls, and those to come, to end early.
    virtual void cancel() = 0;

protected:
    Workers() = default;
    Workers(const Workers&) = default;
    Workers& operator=(const Workers&) = default;
};

}  // namespace rococo::svchost
