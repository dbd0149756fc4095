// SPDX-License-Identifier: MIT
// Processors of every kind: for the tests that choose one of them, and that call them over the ABI.
#include <chrono>
#include <rococo/service.hpp>
#include <stdexcept>
#include <string>

namespace {

/// What 1.1 added to a message.
std::string properties(const rococo::messaging::Message& message) {
    const auto priority = message.priority();
    return std::string(message.content_encoding()) + "|" + std::string(message.reply_to()) + "|" +
           std::string(message.type()) + "|" + std::string(message.app_id()) + "|" +
           (priority ? std::to_string(*priority) : "none") + "|" +
           (message.redelivered() ? "again" : "first");
}

/// Answers each message by one to the queue `answers` that tells everything the message says.
class EchoServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        const std::string body(message.body());
        if (body == "throw") throw std::runtime_error("thrown");
        if (body == "throw 7") throw 7;  // NOLINT(hicpp-exception-baseclass)
        if (body == "permanent") throw rococo::PermanentError("no use");
        if (body == "retry") throw rococo::RetryAfter(std::chrono::milliseconds(1'500), "later");
        if (body == "properties?") throw std::runtime_error(properties(message));
        if (body == "queue?") throw std::runtime_error(context().queue("invoices"));
        if (body == "send properties") {
            context().send_message("answers", "",
                                   {.content_encoding = "gzip",
                                    .reply_to = "replies",
                                    .type = "order.created",
                                    .app_id = "shop",
                                    .priority = 255});
            return;
        }
        if (body == "cancelled?") {
            throw std::runtime_error(context().cancelled() ? "yes" : "no");
        }
        if (body == "time left?") {
            throw std::runtime_error(std::to_string(context().time_left().count()));
        }
        std::string answer =
            body + "|" + std::string(message.id()) + "|" + std::string(message.queue()) + "|" +
            std::string(message.content_type()) + "|" + std::string(message.correlation_id()) +
            "|" + std::to_string(message.attempt());
        for (const rococo_header& header : message.headers()) {
            answer += "|" + std::string(header.name.data, header.name.size) + "=" +
                      std::string(header.value.data, header.value.size);
        }
        if (const auto sent = message.sent_at()) {
            answer += "|" + std::to_string(sent->time_since_epoch() / std::chrono::microseconds(1));
        }
        context().send_message("answers", answer,
                               {.id = "answer-1",
                                .content_type = "text/plain",
                                .correlation_id = std::string(message.id()),
                                .headers = {{"a", "1"}, {"b", ""}}});
    }
};

/// Settles each message of a batch as its body says.
class BatchHelper : public rococo::messaging::BaseBatchProcessor {
public:
    void process(rococo::messaging::Batch& batch) override {
        for (auto item : batch) {
            const auto body = item.message().body();
            if (body == "ack") item.ack();
            if (body == "fail") item.fail("failed");
            if (body == "retry") item.retry_after(std::chrono::seconds(2));
            if (body == "properties?") item.fail(properties(item.message()));
            if (body == "bury") item.dead_letter("buried");
            if (body == "change") {
                item.fail("first");
                item.ack();
            }
            if (body == "throw") throw std::runtime_error("in the middle");
        }
    }
};

class CronHelper {
public:
    void process(rococo::Context& context) {
        const auto due = context.scheduled_at();
        if (!due) throw std::runtime_error("not due");
        throw rococo::PermanentError(
            std::to_string(due->time_since_epoch() / std::chrono::microseconds(1)));
    }
};

class RefusesToBeMade : public rococo::messaging::BaseServiceProcessor {
public:
    RefusesToBeMade() { throw std::runtime_error("not today"); }
    void process(const rococo::messaging::Message& /*message*/) override {}
};

}  // namespace

ROCOCO_PROCESSOR(EchoServiceProcessor)
ROCOCO_PROCESSOR(BatchHelper)
ROCOCO_PROCESSOR(CronHelper)
ROCOCO_PROCESSOR(RefusesToBeMade)
