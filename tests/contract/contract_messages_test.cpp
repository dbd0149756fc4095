// SPDX-License-Identifier: MIT
// That a message arrives as it was sent, also by way of a retry.
#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

OutgoingMessage with_body(std::string body) {
    OutgoingMessage message;
    message.id = "the-id";
    message.content_type = "application/octet-stream";
    message.body = std::move(body);
    return message;
}

std::string header(const Delivery& delivery, std::string_view name) {
    for (const auto& header : delivery.headers)
        if (header.name == name) return std::string(header.value);
    return "(absent)";
}

std::string all_bytes() {
    std::string bytes;
    for (int i = 0; i < 1024; ++i) bytes += static_cast<char>(i);
    return bytes;
}

/// Sent, brought again, and made a dead letter.
void expect_to_arrive(const std::string& body, QueueUnderTest& queue, Reader& reader) {
    const std::vector messages{queue.prepared(with_body(body))};
    ASSERT_TRUE(queue.sender().send(queue.name(), messages));
    auto delivery = reader.take_one();
    EXPECT_TRUE(delivery->body == body) << delivery->body.size() << " bytes arrived";
    EXPECT_EQ(delivery->content_type, "application/octet-stream");
    reader.settle(std::move(delivery), Verdict::retry);
    delivery = reader.take_one();
    EXPECT_TRUE(delivery->body == body) << delivery->body.size() << " bytes came again";
    reader.settle(std::move(delivery), Verdict::dead_letter);
    reader.settle_down();
    const auto letter = queue.dead_letters()->find("the-id");
    ASSERT_TRUE(letter && *letter);
    EXPECT_TRUE((*letter)->body == body) << (*letter)->body.size() << " bytes are dead";
}

TEST_P(MessageTest, ABodyOfAllBytesArrivesUnchanged) {
    expect_to_arrive(all_bytes(), queue(), *opened());
}

TEST_P(MessageTest, AnEmptyBodyArrives) { expect_to_arrive("", queue(), *opened()); }

TEST_P(MessageTest, ABodyOfAlmostAMebibyteArrivesUnchanged) {
    // A little less: SQS counts the attributes to its limit of a mebibyte.
    expect_to_arrive(std::string((std::size_t{1} << 20U) - 8192, 'x'), queue(), *opened());
}

OutgoingMessage full() {
    auto message = with_body(R"({"order": 7})");
    message.content_type = "application/json";
    message.correlation_id = "correlation 7";
    message.headers = {{"tenant", "blue"}, {"name", "J\xC3\xB6rg"}};
    message.content_encoding = "identity";
    message.reply_to = "answers";
    message.type = "order";
    message.app_id = "shop";
    message.priority = 3;
    return message;
}

TEST_P(MessageTest, IdTypeOfContentCorrelationAndHeadersArrive) {
    const auto before = RealClock().now();
    send(full());
    const auto reader = opened();
    for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
        auto delivery = reader->take_one();
        EXPECT_EQ(delivery->attempt, attempt);
        EXPECT_EQ(delivery->id, "the-id");
        EXPECT_EQ(delivery->queue, queue().name());
        EXPECT_EQ(delivery->content_type, "application/json");
        EXPECT_EQ(delivery->correlation_id, "correlation 7");
        EXPECT_EQ(header(*delivery, "tenant"), "blue");
        EXPECT_EQ(header(*delivery, "name"), "J\xC3\xB6rg");
        EXPECT_GE(delivery->sent_at, before - 2s);
        EXPECT_LE(delivery->sent_at, RealClock().now() + 2s);
        reader->settle(std::move(delivery), Verdict::retry);
    }
}

TEST_P(MessageTest, TheOtherPropertiesArrive) {
    send(full());
    const auto reader = opened();
    for (std::uint32_t attempt = 1; attempt <= 2; ++attempt) {
        auto delivery = reader->take_one();
        EXPECT_EQ(delivery->content_encoding, "identity");
        EXPECT_EQ(delivery->reply_to, "answers");
        EXPECT_EQ(delivery->type, "order");
        EXPECT_EQ(delivery->app_id, "shop");
        reader->settle(std::move(delivery), Verdict::retry);
    }
}

TEST_P(MessageTest, ThePriorityArrives) {
    SKIP_WHERE(queue().traits().keeps_no_priority);
    send(full());
    const auto reader = opened();
    EXPECT_EQ(reader->take_one()->priority, 3);
}

TEST_P(MessageTest, PropertiesThatNobodyGaveAreEmpty) {
    send(with_body("x"));
    const auto reader = opened();
    const auto delivery = reader->take_one();
    EXPECT_EQ(delivery->correlation_id, "");
    EXPECT_EQ(delivery->content_encoding, "");
    EXPECT_EQ(delivery->reply_to, "");
    EXPECT_EQ(delivery->type, "");
    EXPECT_EQ(delivery->app_id, "");
    EXPECT_FALSE(delivery->priority);
}

}  // namespace
}  // namespace rococo::messaging::contract
