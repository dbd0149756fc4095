// SPDX-License-Identifier: MIT
#include <rococo/service.hpp>

/// Logs each message that it receives.
class ChildLoggingServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        rococo::logger().info("Received message: {} to the child image!", message.body());
    }
};
ROCOCO_PROCESSOR(ChildLoggingServiceProcessor)
