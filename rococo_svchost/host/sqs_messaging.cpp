// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <optional>
#include <string_view>

#include "messaging_kinds.hpp"
#include "rococo/messaging/sqs/sqs_connection.hpp"
#include "rococo/messaging/sqs/sqs_dead_letters.hpp"
#include "rococo/messaging/sqs/sqs_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

class SqsMessaging final : public Messaging {
public:
    SqsMessaging(const MessagingParts& parts, SqsSettings settings)
        : clock_(parts.clock),
          logger_(parts.logger),
          random_(parts.random),
          settings_(std::move(settings)),
          visibility_timeout_(parts.configuration.duration("VISIBILITY_TIMEOUT")) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        auto connection =
            std::make_unique<SqsConnection>(settings_, queue, clock_, random_, logger_);
        consumer_ = connection.get();
        return connection;
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<SqsSender>(settings_, clock_, random_, logger_);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<SqsDeadLetters>(settings_, queue, clock_, random_, logger_);
    }
    void apply(const ConsumeSettings& settings) override {
        if (consumer_ == nullptr) return;
        consumer_->set_listen_interval(
            std::chrono::floor<std::chrono::seconds>(settings.listen_interval));
        // A file that changes something else leaves the queue its own.
        if (settings.visibility_timeout == visibility_timeout_) return;
        visibility_timeout_ = settings.visibility_timeout;
        consumer_->set_visibility_timeout(
            std::chrono::ceil<std::chrono::seconds>(visibility_timeout_));
    }

private:
    const Clock& clock_;
    Logger logger_;
    RandomBits random_;
    SqsSettings settings_;
    std::chrono::milliseconds visibility_timeout_;  // as said last
    SqsConnection* consumer_ = nullptr;             // the newest adapter
};

/// What the AWS SDKs read from the environment comes from the configuration here, which knows the
/// `.env` files and `NAME_FILE` too; what has no row in its table (`HOME`) from the process.
AwsVariables variables_of(const Configuration& configuration) {
    return [&configuration](std::string_view name) -> std::optional<std::string> {
        if (const Setting* setting = configuration.find(name)) {
            if (setting->value.empty()) return std::nullopt;
            return setting->value;
        }
        const char* value = std::getenv(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

}  // namespace

Result<std::unique_ptr<Messaging>> make_sqs_messaging(const MessagingParts& parts) {
    const Configuration& configuration = parts.configuration;
    SqsSettings settings;
    settings.variables = variables_of(configuration);
    settings.listen_interval =
        std::chrono::floor<std::chrono::seconds>(configuration.duration("LISTEN_INTERVAL"));
    if (configuration.is_set("VISIBILITY_TIMEOUT")) {
        settings.visibility_timeout =
            std::chrono::ceil<std::chrono::seconds>(configuration.duration("VISIBILITY_TIMEOUT"));
    }
    return std::make_unique<SqsMessaging>(parts, std::move(settings));
}

}  // namespace rococo::svchost
