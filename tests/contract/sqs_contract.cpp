// SPDX-License-Identifier: MIT
#include <atomic>
#include <optional>

#include "contract_test.hpp"
#include "fake_sqs.hpp"
#include "rococo/messaging/sqs/sqs_connection.hpp"
#include "rococo/messaging/sqs/sqs_dead_letters.hpp"
#include "rococo/messaging/sqs/sqs_inspector.hpp"
#include "rococo/messaging/sqs/sqs_sender.hpp"
#include "support/seeded_random.hpp"

namespace rococo::messaging::contract {
namespace {

using sqs::FakeSqs;
using sqs::StubAnswer;

class SqsUnderTest final : public QueueUnderTest {
public:
    explicit SqsUnderTest(bool fifo) : fifo_(fifo) {}

    [[nodiscard]] Traits traits() const override {
        return {
            .empty_needs_room = "only a poll that brings nothing is believed; a full hand has none",
            .counts_for_itself = "SQS counts receives, and takes no number from anybody",
            .charges_fetching = "SQS counts a receive that came to nothing to whoever is next",
            .no_redelivered_after_loss =
                "who lost it knows that nobody began it, and charges nothing",
            .keeps_no_priority = "SQS has none, and the adapter does not carry the number",
            .polls_end_late = "a long poll that was begun cannot be taken back",
            .counts_retries_in_hand = "both are hidden, and SQS counts what is hidden",
        };
    }
    [[nodiscard]] std::string name() const override { return fifo_ ? "orders.fifo" : "orders"; }
    [[nodiscard]] std::unique_ptr<MessageAdapter> adapter() override {
        return std::make_unique<SqsConnection>(settings(), name(), clock_, seeded_random());
    }
    [[nodiscard]] MessageSender& sender() override {
        if (!sender_) sender_ = std::make_unique<SqsSender>(settings(), clock_, seeded_random());
        return *sender_;
    }
    [[nodiscard]] std::unique_ptr<DeadLetterStore> dead_letters() override {
        return std::make_unique<SqsDeadLetters>(settings(), name(), clock_, seeded_random());
    }
    [[nodiscard]] Result<QueueCounts> counts() override { return inspector_.counts(name()); }
    [[nodiscard]] bool exists() override { return fake_.exists(name()); }
    [[nodiscard]] std::size_t waiting() override {
        const auto now = std::chrono::steady_clock::now();
        std::size_t ready = 0;
        for (const auto& message : fake_.messages(name()))
            if (message.visible_at <= now) ++ready;
        return ready;
    }

    /// Visibility ends, and SQS refuses to extend it.
    void begin_loss() override {
        fake_.inject([](const std::string& action,
                        const FakeSqs::Json& body) -> std::optional<StubAnswer> {
            if (action != "ChangeMessageVisibilityBatch") return std::nullopt;
            auto failed = FakeSqs::Json::array();
            for (const auto& entry : body.at("Entries"))
                failed.push_back({{"Id", entry.at("Id")},
                                  {"Code", "ReceiptHandleIsInvalid"},
                                  {"Message", "expired"},
                                  {"SenderFault", true}});
            return StubAnswer{
                200,
                FakeSqs::Json{{"Successful", FakeSqs::Json::array()}, {"Failed", failed}}.dump()};
        });
    }
    void end_loss() override { fake_.inject({}); }
    void begin_block() override {
        fake_.inject([](const std::string&, const FakeSqs::Json&) {
            return StubAnswer{400, R"({"__type": "ThrottlingException", "message": "slower"})"};
        });
    }
    void end_block() override { fake_.inject({}); }
    void begin_cut() override {
        fake_.inject([](const std::string&, const FakeSqs::Json&) {
            return StubAnswer{.body = "{}", .cut_off = true};
        });
    }
    void end_cut() override { fake_.inject({}); }
    void ruin() override { fake_.drop(name()); }

    /// Each in a group of its own.
    [[nodiscard]] OutgoingMessage prepared(OutgoingMessage message) override {
        if (fifo_) message.headers.emplace_back("MessageGroupId", "group-" + message.id);
        return message;
    }

private:
    [[nodiscard]] SqsSettings settings() {
        SqsSettings settings;
        settings.variables = [](std::string_view) { return std::optional<std::string>(); };
        settings.region = "eu-central-1";
        settings.access_key_id = FakeSqs::kKey;
        settings.secret_access_key = FakeSqs::kSecret;
        settings.endpoint_url = fake_.url();
        settings.visibility_timeout = std::chrono::seconds(5);
        settings.listen_interval = std::chrono::seconds(1);
        settings.open_timeout = settings.send_timeout = kDeadline;
        settings.first_backoff = std::chrono::milliseconds(10);
        settings.longest_backoff = std::chrono::milliseconds(50);
        return settings;
    }

    const bool fifo_;
    RealClock clock_;
    FakeSqs fake_;
    std::unique_ptr<SqsSender> sender_;
    SqsInspector inspector_{settings(), clock_, seeded_random()};
};

CONTRACT_TESTS(QueueKind{"SqsStandard", [] { return std::make_unique<SqsUnderTest>(false); }},
               QueueKind{"SqsFifo", [] { return std::make_unique<SqsUnderTest>(true); }});

}  // namespace
}  // namespace rococo::messaging::contract
