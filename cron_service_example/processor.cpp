// SPDX-License-Identifier: MIT
#include <rococo/service.hpp>

/// Logs a line at each interval. A processor that works on a schedule derives from nothing.
class CronLoggingServiceProcessor {
public:
    void process() { rococo::logger().info("Cron processor called, {} times so far", ++calls_); }

private:
    int calls_ = 0;
};
ROCOCO_PROCESSOR(CronLoggingServiceProcessor)
