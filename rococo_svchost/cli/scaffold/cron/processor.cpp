#include <rococo/service.hpp>

/// Works on a schedule.
class @Name@ServiceProcessor {
public:
    // Throw, and the run is tried again.
    void process() { rococo::logger().info("It is time"); }
};
ROCOCO_PROCESSOR(@Name@ServiceProcessor)
