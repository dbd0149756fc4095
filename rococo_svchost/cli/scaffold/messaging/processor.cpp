#include <rococo/service.hpp>

/// Handles the messages of its queue, one by one.
class @Name@ServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    // Return: acknowledged. Throw: tried again, and dead-lettered after MAX_ATTEMPTS.
    void process(const rococo::messaging::Message& message) override {
        rococo::logger().info("Received message: {}", message.body());
    }
};
ROCOCO_PROCESSOR(@Name@ServiceProcessor)
