// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "child_process.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/processors/child_service.hpp"

namespace rococo::svchost::child {

/// Says when a worker's process has done enough (PROCESSOR_MAX_MESSAGES) or holds too much
/// (PROCESSOR_MAX_MEMORY), and a new one is to take its place.
class LifeLimits {
public:
    explicit LifeLimits(const ChildLimits& limits) : limits_(limits) {}

    /// A limit that a fresh process exceeds would replace each after one message. **Errors**: kind
    /// `configuration`.
    [[nodiscard]] static Result<void> check(const ChildLimits& limits, const ChildProcess& fresh);

    /// A new process, which has done nothing yet.
    void begin(const ChildProcess& process, const Logger& logger);
    /// It has ended so many messages more.
    void processed(std::uint64_t count);
    /// Why the process has to be replaced; none while it may go on.
    [[nodiscard]] std::optional<std::string> reason_to_replace(const ChildProcess& process,
                                                               SteadyTime now);

private:
    const ChildLimits limits_;
    std::uint64_t messages_left_ = 0;  // with this process's share
    bool memory_limited_ = false;
    SteadyTime memory_due_{};  // when that is looked at again
    std::minstd_rand jitter_{std::random_device{}()};
};

}  // namespace rococo::svchost::child
