// SPDX-License-Identifier: MIT
#include "life_limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "rococo/base/size_text.hpp"

namespace rococo::svchost::child {

namespace {

constexpr std::chrono::milliseconds kMemoryInterval{100};

}  // namespace

Result<void> LifeLimits::check(const ChildLimits& limits, const ChildProcess& fresh) {
    const std::uint64_t held = limits.memory == 0 ? 0 : fresh.memory();
    if (held <= limits.memory) return {};
    return failure(ErrorKind::configuration,
                   fmt::format("PROCESSOR_MAX_MEMORY={} is less than the {} of a process that "
                               "has not processed anything yet",
                               size_setting(limits.memory), format_size(held)));
}

void LifeLimits::begin(const ChildProcess& process, const Logger& logger) {
    const std::uint64_t surplus = limits_.messages / ChildLimits::kSurplusShare;
    messages_left_ =
        limits_.messages + std::uniform_int_distribution<std::uint64_t>(0, surplus)(jitter_);
    // It cannot do better than when it was new.
    memory_limited_ = limits_.memory != 0 && process.memory() <= limits_.memory;
    if (limits_.memory != 0 && !memory_limited_) {
        logger.warning(
            "A new process of the processor holds more than PROCESSOR_MAX_MEMORY at once: "
            "it is not replaced for that");
    }
}

void LifeLimits::processed(std::uint64_t count) {
    messages_left_ -= std::min(messages_left_, count);
}

std::optional<std::string> LifeLimits::reason_to_replace(const ChildProcess& process,
                                                         SteadyTime now) {
    if (limits_.messages != 0 && messages_left_ == 0)
        return "it has processed as many messages as PROCESSOR_MAX_MESSAGES allows";
    if (!memory_limited_ || now < memory_due_) return std::nullopt;
    memory_due_ = now + kMemoryInterval;
    const std::uint64_t memory = process.memory();
    if (memory <= limits_.memory) return std::nullopt;
    return fmt::format("it holds {}, more than PROCESSOR_MAX_MEMORY", format_size(memory));
}

}  // namespace rococo::svchost::child
