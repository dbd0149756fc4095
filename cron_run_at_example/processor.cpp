// SPDX-License-Identifier: MIT
#include <chrono>
#include <rococo/service.hpp>

/// Logs a line at a certain time of day, and for which time it was called.
class CronRunAtServiceProcessor {
public:
    void process(rococo::Context& context) {
        const auto due = context.scheduled_at().value_or(std::chrono::system_clock::now());
        rococo::logger().info("Cron processor called for {} s since the epoch",
                              std::chrono::system_clock::to_time_t(due));
    }
};
ROCOCO_PROCESSOR(CronRunAtServiceProcessor)
