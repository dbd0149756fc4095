#include <rococo/json.hpp>
#include <rococo/service.hpp>
#include <string>

/// Processes the messages of its queue, one by one.
class @Name@ServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    // Return: acknowledged. Throw: tried again, and dead-lettered after MAX_ATTEMPTS. A body that is not JSON, or
    // lacks what you ask it for: dead-lettered at once, with the reason.
    void process(const rococo::messaging::Message& message) override {
        const auto body = rococo::json(message);
        rococo::logger().info("Received message: {}", body.at("message").get<std::string>());
        // To send a message: context().send_message(context().queue("invoices"), body);
    }
};
ROCOCO_PROCESSOR(@Name@ServiceProcessor)
