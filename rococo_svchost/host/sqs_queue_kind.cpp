// SPDX-License-Identifier: MIT
#include <chrono>
#include <optional>
#include <string_view>

#include "queue_kinds.hpp"
#include "rococo/messaging/sqs/sqs_connection.hpp"
#include "rococo/messaging/sqs/sqs_dead_letters.hpp"
#include "rococo/messaging/sqs/sqs_inspector.hpp"
#include "rococo/messaging/sqs/sqs_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

// How long to keep trying while a person is waiting.
constexpr std::chrono::milliseconds kOpenAtATerminal{5'000};
constexpr std::chrono::milliseconds kSendAtATerminal{10'000};

class SqsQueueKind final : public QueueKind {
public:
    SqsQueueKind(QueueKindParts parts, SqsSettings settings)
        : parts_(std::move(parts)),
          settings_(std::move(settings)),
          visibility_timeout_(parts_.configuration.duration("VISIBILITY_TIMEOUT")),
          inspector_(settings_, parts_.clock, parts_.random, parts_.logger) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        auto connection = std::make_unique<SqsConnection>(settings_, queue, parts_.clock,
                                                          parts_.random, parts_.logger);
        consumer_ = connection.get();
        return connection;
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return std::make_unique<SqsSender>(settings_, parts_.clock, parts_.random, parts_.logger);
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return std::make_unique<SqsDeadLetters>(settings_, queue, parts_.clock, parts_.random,
                                                parts_.logger);
    }
    Result<QueueCounts> counts(const std::string& queue) override {
        return inspector_.counts(queue);
    }
    void apply(const ConsumeSettings& settings) override {
        if (consumer_ == nullptr) return;
        consumer_->set_listen_interval(
            std::chrono::floor<std::chrono::seconds>(settings.listen_interval));
        // If the file changes only other settings, the queue keeps its own timeout.
        if (settings.visibility_timeout == visibility_timeout_) return;
        visibility_timeout_ = settings.visibility_timeout;
        consumer_->set_visibility_timeout(
            std::chrono::ceil<std::chrono::seconds>(visibility_timeout_));
    }

private:
    const QueueKindParts parts_;
    SqsSettings settings_;
    std::chrono::milliseconds visibility_timeout_;  // the last value applied
    SqsConnection* consumer_ = nullptr;             // the newest adapter
    SqsInspector inspector_;
};

/// Reads the variables of the AWS SDKs from the configuration, which includes the `.env` files and
/// `NAME_FILE`. Those without an option (`HOME`) come from the process environment.
AwsVariables variables_of(const Configuration& configuration) {
    return [&configuration](std::string_view name) -> std::optional<std::string> {
        if (const Setting* setting = configuration.find(name)) {
            if (setting->value.empty()) return std::nullopt;
            return setting->value;
        }
        return messaging::process_environment()(name);
    };
}

}  // namespace

Result<std::unique_ptr<QueueKind>> make_sqs_kind(const QueueKindParts& parts) {
    const Configuration& configuration = parts.configuration;
    SqsSettings settings;
    settings.variables = variables_of(configuration);
    settings.listen_interval =
        std::chrono::floor<std::chrono::seconds>(configuration.duration("LISTEN_INTERVAL"));
    if (configuration.is_set("VISIBILITY_TIMEOUT")) {
        settings.visibility_timeout =
            std::chrono::ceil<std::chrono::seconds>(configuration.duration("VISIBILITY_TIMEOUT"));
    }
    if (parts.patience == Patience::person) {
        settings.open_timeout = kOpenAtATerminal;
        settings.send_timeout = kSendAtATerminal;
    }
    return std::make_unique<SqsQueueKind>(parts, std::move(settings));
}

}  // namespace rococo::svchost
