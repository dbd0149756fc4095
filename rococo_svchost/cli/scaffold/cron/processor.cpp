#include <rococo/service.hpp>

/// Runs on a schedule.
class @Name@ServiceProcessor {
public:
    // If it throws, the run is retried.
    void process() { rococo::logger().info("It is time"); }
};
ROCOCO_PROCESSOR(@Name@ServiceProcessor)
