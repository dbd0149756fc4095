// SPDX-License-Identifier: MIT
// One processor, for a schedule, in a module that is not called `processor`.
#include <rococo/service.hpp>

class Sweeper {
public:
    void process() { rococo::logger().info("Swept"); }
};
ROCOCO_PROCESSOR(Sweeper)
