// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <thread>

#include "broker.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;

amqp_bytes_t bytes(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};  // NOLINT(*-const-cast)
}

class RabbitMqConnectionTest : public testing::Test {
protected:
    std::unique_ptr<RabbitMqConnection> open(RabbitMqSettings settings,
                                             std::size_t prefetch = 100) {
        auto adapter = std::make_unique<RabbitMqConnection>(std::move(settings), clock_,
                                                            log_.logger(), seeded_random());
        adapter->limit({.deliveries = prefetch});
        const auto opened = adapter->open();
        if (!opened) throw std::runtime_error(opened.error().message);
        return adapter;
    }
    std::unique_ptr<RabbitMqConnection> open(std::size_t prefetch = 100) {
        return open(settings_for(queue_), prefetch);
    }

    RealClock clock_;
    RecordingLog log_;
    OtherClient other_;
    std::string queue_ = fresh_queue();
};

TEST_F(RabbitMqConnectionTest, DeclaresTheQueueAndReceivesInOrder) {
    auto adapter = open();
    for (int i = 0; i < 20; ++i) other_.publish(queue_, std::to_string(i));
    auto deliveries = receive(*adapter, 20);
    ASSERT_EQ(deliveries.size(), 20U);
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(deliveries[i]->body, std::to_string(i));
        EXPECT_EQ(deliveries[i]->attempt, 1U);
        EXPECT_EQ(deliveries[i]->queue, queue_);
        EXPECT_FALSE(deliveries[i]->redelivered);
    }
}

TEST_F(RabbitMqConnectionTest, AcknowledgedMessagesDoNotComeBack) {
    {
        auto adapter = open();
        for (int i = 0; i < 100; ++i) other_.publish(queue_, std::to_string(i));
        auto deliveries = receive(*adapter, 100);
        ASSERT_EQ(deliveries.size(), 100U);
        // From the back: as out of order as can be.
        while (!deliveries.empty()) {
            settle(*adapter, std::move(deliveries.back()), Verdict::ack);
            deliveries.pop_back();
        }
        EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
        adapter->close();
    }
    EXPECT_EQ(other_.ready(queue_), 0);
}

TEST_F(RabbitMqConnectionTest, UnsettledMessagesComeBackMarked) {
    {
        auto adapter = open();
        for (int i = 0; i < 3; ++i) other_.publish(queue_, std::to_string(i));
        auto deliveries = receive(*adapter, 3);
        settle(*adapter, std::move(deliveries[1]), Verdict::ack);
        adapter->close();
    }
    auto adapter = open();
    auto deliveries = receive(*adapter, 2);
    ASSERT_EQ(deliveries.size(), 2U);
    EXPECT_EQ(deliveries[0]->body, "0");
    EXPECT_TRUE(deliveries[0]->redelivered);
    EXPECT_EQ(deliveries[0]->attempt, 1U);
    EXPECT_EQ(deliveries[1]->body, "2");
}

TEST_F(RabbitMqConnectionTest, HoldsNoMoreThanThePrefetch) {
    auto adapter = open(5);
    for (int i = 0; i < 20; ++i) other_.publish(queue_, std::to_string(i));
    auto deliveries = receive(*adapter, 5);
    ASSERT_EQ(deliveries.size(), 5U);
    EXPECT_TRUE(receives_nothing(*adapter));
    EXPECT_EQ(other_.ready(queue_), 15);
    settle(*adapter, std::move(deliveries[3]), Verdict::ack);
    EXPECT_EQ(receive(*adapter, 1).size(), 1U);
    EXPECT_TRUE(receives_nothing(*adapter));
    EXPECT_EQ(other_.ready(queue_), 14);
}

TEST_F(RabbitMqConnectionTest, ChangesThePrefetchWhileMessagesAreInHand) {
    auto adapter = open(2);
    for (int i = 0; i < 30; ++i) other_.publish(queue_, std::to_string(i));
    auto first = receive(*adapter, 2);
    adapter->limit({.deliveries = 10});
    auto more = receive(*adapter, 10);
    ASSERT_EQ(more.size(), 10U);
    EXPECT_TRUE(receives_nothing(*adapter));
    // The tags of the first subscription are valid still.
    for (auto& delivery : first) settle(*adapter, std::move(delivery), Verdict::ack);
    for (auto& delivery : more) settle(*adapter, std::move(delivery), Verdict::ack);
    auto rest = receive(*adapter, 10);
    std::set<std::string> bodies;
    for (auto& delivery : rest) bodies.emplace(delivery->body);
    while (bodies.size() < 18) {
        for (auto& delivery : rest) settle(*adapter, std::move(delivery), Verdict::ack);
        rest = receive(*adapter, 1);
        ASSERT_FALSE(rest.empty());
        for (auto& delivery : rest) bodies.emplace(delivery->body);
    }
    EXPECT_EQ(other_.ready(queue_), 0);
}

TEST_F(RabbitMqConnectionTest, ReleasedMessagesComeBackUncharged) {
    auto adapter = open();
    other_.publish(queue_, "x");
    auto deliveries = receive(*adapter, 1);
    settle(*adapter, std::move(deliveries[0]), Verdict::release);
    auto again = receive(*adapter, 1);
    ASSERT_EQ(again.size(), 1U);
    EXPECT_EQ(again[0]->attempt, 1U);
}

TEST_F(RabbitMqConnectionTest, GivesBackWhatArrivesAfterItStopped) {
    auto adapter = open(50);
    for (int i = 0; i < 50; ++i) other_.publish(queue_, std::to_string(i));
    // The broker has sent them all; none was taken.
    while (other_.ready(queue_) != 0) std::this_thread::sleep_for(1ms);
    adapter->stop_receiving();
    EXPECT_TRUE(turn_until(*adapter, [&] { return other_.ready(queue_) == 50; }));
}

TEST_F(RabbitMqConnectionTest, WakesFromAnotherThread) {
    auto adapter = open();
    EXPECT_TRUE(receives_nothing(*adapter));
    for (int i = 0; i < 50; ++i) {
        std::jthread waker([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
            adapter->wake();
        });
        Events none;
        const auto before = clock_.steady_now();
        ASSERT_TRUE(adapter->receive(before + kDeadline, none));
        ASSERT_LT(clock_.steady_now() - before, kDeadline) << "not woken";
    }
}

TEST_F(RabbitMqConnectionTest, RetriesAfterTheDelayWithTheAttemptCharged) {
    auto adapter = open();
    other_.publish(queue_, "again");
    auto deliveries = receive(*adapter, 1);
    const auto before = clock_.steady_now();
    auto verdict = settlement(std::move(deliveries[0]), Verdict::retry);
    verdict.delay = 450ms;
    Settlements settlements;
    settlements.push_back(std::move(verdict));
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    EXPECT_EQ(adapter->unsettled(), 1U);
    auto again = receive(*adapter, 1);
    ASSERT_EQ(again.size(), 1U) << log_.all();
    EXPECT_GE(clock_.steady_now() - before, 450ms);
    EXPECT_EQ(again[0]->attempt, 2U);
    EXPECT_EQ(again[0]->body, "again");
    EXPECT_TRUE(again[0]->headers.empty());
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_EQ(other_.ready(queue_ + ".delay.500"), 0);

    settle(*adapter, std::move(again[0]), Verdict::retry);  // Without a delay: at once.
    auto third = receive(*adapter, 1);
    ASSERT_EQ(third.size(), 1U);
    EXPECT_EQ(third[0]->attempt, 3U);
}

TEST_F(RabbitMqConnectionTest, DeadLettersWithTheReasonAndTheHistory) {
    auto adapter = open();
    other_.publish(queue_, "bad");
    auto deliveries = receive(*adapter, 1);
    settle(*adapter, std::move(deliveries[0]), Verdict::retry);
    deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    std::this_thread::sleep_for(2ms);  // so that the two times differ
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    const auto dead = other_.get(queue_ + ".dead-letter");
    ASSERT_TRUE(dead);
    EXPECT_EQ(dead->body(), "bad");
    EXPECT_EQ(dead->text_header("x-rococo-reason"), "max-attempts");
    EXPECT_EQ(dead->text_header("x-rococo-error"), "it failed");
    EXPECT_EQ(dead->text_header("x-rococo-original-queue"), queue_);
    EXPECT_EQ(dead->header("x-rococo-attempts")->value.i64, 2);
    EXPECT_LT(dead->text_header("x-rococo-first-failed-at"),
              dead->text_header("x-rococo-last-failed-at"));
    adapter->close();
    EXPECT_EQ(other_.ready(queue_), 0);
}

/// Headers of every type of AMQP that rabbitmq-c can write, nested.
struct AllTypes {
    AllTypes() {
        const auto add = [this](const char* key, std::uint8_t kind, auto set) {
            amqp_table_entry_t entry{};
            entry.key = amqp_cstring_bytes(key);
            entry.value.kind = kind;
            set(entry.value.value);
            entries.push_back(entry);
        };
        add("t", AMQP_FIELD_KIND_BOOLEAN, [](auto& v) { v.boolean = 1; });
        add("b", AMQP_FIELD_KIND_I8, [](auto& v) { v.i8 = -7; });
        add("s", AMQP_FIELD_KIND_I16, [](auto& v) { v.i16 = -30000; });
        add("I", AMQP_FIELD_KIND_I32, [](auto& v) { v.i32 = -2000000000; });
        add("l", AMQP_FIELD_KIND_I64, [](auto& v) { v.i64 = -9000000000000000000; });
        add("f", AMQP_FIELD_KIND_F32, [](auto& v) { v.f32 = 1.5F; });
        add("d", AMQP_FIELD_KIND_F64, [](auto& v) { v.f64 = -0.25; });
        add("D", AMQP_FIELD_KIND_DECIMAL, [](auto& v) { v.decimal = {2, 12345}; });
        add("S", AMQP_FIELD_KIND_UTF8, [](auto& v) { v.bytes = bytes("grün\n"); });
        add("x", AMQP_FIELD_KIND_BYTES, [](auto& v) { v.bytes = bytes("\xff\x01"); });
        add("T", AMQP_FIELD_KIND_TIMESTAMP, [](auto& v) { v.u64 = 1764000000; });
        add("V", AMQP_FIELD_KIND_VOID, [](auto&) {});
        items[0].kind = AMQP_FIELD_KIND_I32;
        items[0].value.i32 = 1;
        items[1].kind = AMQP_FIELD_KIND_UTF8;
        items[1].value.bytes = bytes("two");
        add("A", AMQP_FIELD_KIND_ARRAY, [this](auto& v) { v.array = {2, items.data()}; });
        inner[0].key = amqp_cstring_bytes("list");
        inner[0].value.kind = AMQP_FIELD_KIND_ARRAY;
        inner[0].value.value.array = {2, items.data()};
        add("F", AMQP_FIELD_KIND_TABLE, [this](auto& v) { v.table = {1, inner.data()}; });
    }
    [[nodiscard]] amqp_table_t table() {
        return {static_cast<int>(entries.size()), entries.data()};
    }
    std::vector<amqp_table_entry_t> entries;
    std::array<amqp_field_value_t, 2> items{};
    std::array<amqp_table_entry_t, 1> inner{};
};

std::string encoded(amqp_table_t table) {
    std::string wire(20'000, '\0');
    std::size_t offset = 0;
    EXPECT_EQ(amqp_encode_table(bytes(wire), &table, &offset), AMQP_STATUS_OK);
    wire.resize(offset);
    return wire;
}

/// The table without the headers that the host or the broker added, ordered by name: the broker
/// sorts the headers when it dead-letters from a delay queue.
std::string encoded_original(const amqp_table_t& table) {
    std::vector<amqp_table_entry_t> entries;
    for (int i = 0; i < table.num_entries; ++i) {
        const std::string_view name(static_cast<const char*>(table.entries[i].key.bytes),
                                    table.entries[i].key.len);
        if (!name.starts_with("x-")) entries.push_back(table.entries[i]);
    }
    std::ranges::sort(entries, {}, [](const auto& entry) {
        return std::string_view(static_cast<const char*>(entry.key.bytes), entry.key.len);
    });
    return encoded({static_cast<int>(entries.size()), entries.data()});
}

TEST_F(RabbitMqConnectionTest, ATimestampInMillisecondsIsOfThisCentury) {
    auto adapter = open();
    for (const std::uint64_t timestamp :
         {std::uint64_t{1'700'000'000}, std::uint64_t{1'700'000'000'123},
          std::numeric_limits<std::uint64_t>::max()}) {
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_TIMESTAMP_FLAG;
        properties.timestamp = timestamp;
        other_.publish(queue_, "x", &properties);
    }
    const auto deliveries = receive(*adapter, 3);
    ASSERT_EQ(deliveries.size(), 3U);
    EXPECT_EQ(deliveries[0]->sent_at, SystemTime(std::chrono::seconds(1'700'000'000)));
    EXPECT_EQ(deliveries[1]->sent_at, SystemTime(std::chrono::milliseconds(1'700'000'000'123)));
    EXPECT_EQ(deliveries[2]->sent_at, SystemTime()) << "nobody knows";
}

TEST_F(RabbitMqConnectionTest, CarriesEveryPropertyAndHeaderThroughRetryAndDeadLetter) {
    auto adapter = open();
    AllTypes types;
    amqp_basic_properties_t properties{};
    properties._flags =
        AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_HEADERS_FLAG |
        AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG |
        AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
        AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_USER_ID_FLAG | AMQP_BASIC_APP_ID_FLAG;
    properties.content_type = bytes("application/x-odd");
    properties.content_encoding = bytes("gzip");
    properties.headers = types.table();
    properties.delivery_mode = 2;
    properties.priority = 7;
    properties.correlation_id = bytes("corr");
    properties.reply_to = bytes("somewhere");
    properties.message_id = bytes("id-1");
    properties.timestamp = 1764000001;
    properties.type = bytes("odd");
    properties.user_id = bytes("guest");
    properties.app_id = bytes("app");
    const std::string body("\x00\xff{not json", 11);
    other_.publish(queue_, body, &properties);

    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    std::map<std::string, std::string> shown;
    for (const auto& header : deliveries[0]->headers) shown.emplace(header.name, header.value);
    EXPECT_EQ(shown.size(), 14U);
    EXPECT_EQ(shown["l"], "-9000000000000000000");
    EXPECT_EQ(shown["D"], "123.45");
    EXPECT_EQ(shown["S"], "grün\n");
    EXPECT_EQ(shown["F"], R"({"list":[1,"two"]})");
    EXPECT_EQ(deliveries[0]->id, "id-1");
    EXPECT_EQ(deliveries[0]->correlation_id, "corr");
    EXPECT_EQ(deliveries[0]->content_type, "application/x-odd");
    EXPECT_EQ(deliveries[0]->content_encoding, "gzip");
    EXPECT_EQ(deliveries[0]->reply_to, "somewhere");
    EXPECT_EQ(deliveries[0]->type, "odd");
    EXPECT_EQ(deliveries[0]->app_id, "app");
    EXPECT_EQ(deliveries[0]->priority, 7);
    EXPECT_EQ(deliveries[0]->sent_at, SystemTime(std::chrono::seconds(1764000001)));

    auto verdict = settlement(std::move(deliveries[0]), Verdict::retry);
    verdict.delay = 100ms;
    Settlements settlements;
    settlements.push_back(std::move(verdict));
    ASSERT_TRUE(adapter->settle(std::move(settlements)));
    deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    std::map<std::string, std::string> shown_again;
    for (const auto& header : deliveries[0]->headers)
        shown_again.emplace(header.name, header.value);
    EXPECT_EQ(shown_again, shown);
    EXPECT_EQ(deliveries[0]->content_encoding, "gzip");
    EXPECT_EQ(deliveries[0]->priority, 7);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));

    const auto dead = other_.get(queue_ + ".dead-letter");
    ASSERT_TRUE(dead);
    EXPECT_EQ(dead->body(), body);
    EXPECT_EQ(encoded_original(dead->properties().headers), encoded_original(types.table()));
    const auto text = [](amqp_bytes_t value) {
        return std::string(static_cast<const char*>(value.bytes), value.len);
    };
    EXPECT_EQ(dead->properties()._flags, properties._flags);
    EXPECT_EQ(text(dead->properties().content_encoding), "gzip");
    EXPECT_EQ(dead->properties().priority, 7);
    EXPECT_EQ(text(dead->properties().reply_to), "somewhere");
    EXPECT_EQ(dead->properties().timestamp, 1764000001U);
    EXPECT_EQ(text(dead->properties().type), "odd");
    EXPECT_EQ(text(dead->properties().user_id), "guest");
    EXPECT_EQ(text(dead->properties().app_id), "app");
    EXPECT_EQ(text(dead->properties().message_id), "id-1");
}

TEST_F(RabbitMqConnectionTest, SurvivesForgedHeaders) {
    auto adapter = open();
    // An x-death that names the queue itself would make the broker see a cycle, and drop the
    // message on its way back from the delay queue.
    std::array<amqp_table_entry_t, 3> death{};
    death[0].key = bytes("queue");
    death[0].value.kind = AMQP_FIELD_KIND_UTF8;
    death[0].value.value.bytes = bytes(queue_);
    death[1].key = bytes("reason");
    death[1].value.kind = AMQP_FIELD_KIND_UTF8;
    death[1].value.value.bytes = bytes("expired");
    death[2].key = bytes("count");
    death[2].value.kind = AMQP_FIELD_KIND_I64;
    death[2].value.value.i64 = -1;
    amqp_field_value_t item{};
    item.kind = AMQP_FIELD_KIND_TABLE;
    item.value.table = {3, death.data()};
    std::array<amqp_table_entry_t, 4> headers{};
    headers[0].key = bytes("x-death");
    headers[0].value.kind = AMQP_FIELD_KIND_ARRAY;
    headers[0].value.value.array = {1, &item};
    headers[1].key = bytes("x-delivery-count");
    headers[1].value.kind = AMQP_FIELD_KIND_I64;
    headers[1].value.value.i64 = -5;
    headers[2].key = bytes("x-rococo-first-failed-at");
    headers[2].value.kind = AMQP_FIELD_KIND_UTF8;
    headers[2].value.value.bytes = bytes("the day before yesterday");
    headers[3].key = bytes("CC");
    headers[3].value.kind = AMQP_FIELD_KIND_ARRAY;
    headers[3].value.value.array = {0, nullptr};
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_EXPIRATION_FLAG;
    properties.headers = {4, headers.data()};
    properties.expiration = bytes("60000");
    other_.publish(queue_, "forged", &properties);

    for (unsigned attempt = 1; attempt <= 3; ++attempt) {
        auto deliveries = receive(*adapter, 1);
        ASSERT_EQ(deliveries.size(), 1U) << "lost after attempt " << attempt - 1;
        EXPECT_EQ(deliveries[0]->attempt, attempt);
        auto verdict = settlement(std::move(deliveries[0]), Verdict::retry);
        verdict.delay = 100ms;
        Settlements settlements;
        settlements.push_back(std::move(verdict));
        ASSERT_TRUE(adapter->settle(std::move(settlements)));
    }
    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    const auto dead = other_.get(queue_ + ".dead-letter");
    ASSERT_TRUE(dead);
    ASSERT_NE(dead->header("x-death"), nullptr);
    ASSERT_EQ(dead->header("x-death")->kind, AMQP_FIELD_KIND_ARRAY);
    EXPECT_EQ(dead->header("x-death")->value.array.num_entries, 1);
    EXPECT_EQ(dead->text_header("x-rococo-held-expiration"), "60000");
    EXPECT_EQ(dead->properties()._flags & AMQP_BASIC_EXPIRATION_FLAG, 0U)
        << "a dead letter must not expire";
}

TEST_F(RabbitMqConnectionTest, BelievesNoAbsurdAttempts) {
    auto adapter = open();
    const auto publish = [&](std::uint8_t kind, std::int64_t value) {
        amqp_table_entry_t entry{};
        entry.key = bytes("x-rococo-attempts");
        entry.value.kind = kind;
        entry.value.value.i64 = value;
        if (kind == AMQP_FIELD_KIND_UTF8) entry.value.value.bytes = bytes("many");
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_HEADERS_FLAG;
        properties.headers = {1, &entry};
        other_.publish(queue_, "x", &properties);
        return receive(*adapter, 1).at(0)->attempt;
    };
    EXPECT_EQ(publish(AMQP_FIELD_KIND_I64, 3), 4U);
    EXPECT_EQ(publish(AMQP_FIELD_KIND_I64, -3), 1U);
    EXPECT_EQ(publish(AMQP_FIELD_KIND_I64, std::numeric_limits<std::int64_t>::max()), 1'000'001U);
    EXPECT_EQ(publish(AMQP_FIELD_KIND_UTF8, 0), 1U);
    EXPECT_EQ(publish(AMQP_FIELD_KIND_VOID, 0), 1U);
}

TEST_F(RabbitMqConnectionTest, CarriesBodiesOfAnySize) {
    auto adapter = open();
    for (const std::size_t size : {0UL, 1UL, 131'064UL, 131'065UL, 64UL * 1024 * 1024}) {
        const std::string body(size, 'b');
        other_.publish(queue_, body);
        auto deliveries = receive(*adapter, 1);
        ASSERT_EQ(deliveries.size(), 1U) << size;
        EXPECT_TRUE(deliveries[0]->body == body) << size;
        settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
        ASSERT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; })) << size;
        const auto dead = other_.get(queue_ + ".dead-letter");
        ASSERT_TRUE(dead);
        EXPECT_TRUE(dead->body() == body) << size;
    }
}

TEST_F(RabbitMqConnectionTest, UsesAQueueWithOtherArgumentsAsItIs) {
    other_.declare(queue_, {.arguments = {{"x-queue-mode", "lazy"}}});
    auto adapter = open();
    other_.publish(queue_, "x");
    EXPECT_EQ(receive(*adapter, 1).size(), 1U);
}

TEST_F(RabbitMqConnectionTest, ChargesNothingForWhatAQuorumQueueCounts) {
    auto settings = settings_for(queue_);
    settings.queue_type = RabbitMqQueueType::quorum;
    {
        auto adapter = open(settings);
        other_.publish(queue_, "x");
        ASSERT_EQ(receive(*adapter, 1).size(), 1U);
    }
    auto adapter = open(settings);
    auto deliveries = receive(*adapter, 1);
    ASSERT_EQ(deliveries.size(), 1U);
    EXPECT_EQ(deliveries[0]->attempt, 1U) << "it was fetched, and nobody began it";
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_EQ(other_.ready(queue_ + ".dead-letter"), 1);
}

TEST_F(RabbitMqConnectionTest, DeclaresPriorities) {
    auto settings = settings_for(queue_);
    settings.max_priority = 5;
    auto adapter = open(settings, 1);
    const auto publish = [&](const char* body, std::uint8_t priority) {
        amqp_basic_properties_t properties{};
        properties._flags = AMQP_BASIC_PRIORITY_FLAG;
        properties.priority = priority;
        other_.publish(queue_, body, &properties);
    };
    publish("first", 0);
    auto held = receive(*adapter, 1);
    publish("low", 1);
    publish("high", 5);
    settle(*adapter, std::move(held.at(0)), Verdict::ack);
    EXPECT_EQ(receive(*adapter, 1).at(0)->body, "high");
}

TEST_F(RabbitMqConnectionTest, KnowsWhetherTheQueueIsEmpty) {
    auto adapter = open(2);
    EXPECT_TRUE(adapter->empty().value());
    for (int i = 0; i < 3; ++i) other_.publish(queue_, "x");
    EXPECT_FALSE(adapter->empty().value());
    auto deliveries = receive(*adapter, 2);
    EXPECT_FALSE(adapter->empty().value());
    for (auto& delivery : deliveries) settle(*adapter, std::move(delivery), Verdict::ack);
    deliveries = receive(*adapter, 1);
    // While answers to it are on their way it is not sure, and says no.
    const auto empty = [&] { return adapter->empty().value(); };
    EXPECT_TRUE(turn_until(*adapter, empty)) << "what is in hand does not count";
    settle(*adapter, std::move(deliveries.at(0)), Verdict::ack);
    EXPECT_TRUE(turn_until(*adapter, empty));
}

TEST_F(RabbitMqConnectionTest, IsEmptyOnceItsRetriesAreDone) {
    auto adapter = open();
    const auto retry_after = [&](std::chrono::milliseconds delay) {
        other_.publish(queue_, "x");
        auto verdict = settlement(std::move(receive(*adapter, 1).at(0)), Verdict::retry);
        verdict.delay = delay;
        Settlements settlements;
        settlements.push_back(std::move(verdict));
        ASSERT_TRUE(adapter->settle(std::move(settlements)));
    };
    retry_after(200ms);
    auto again = receive(*adapter, 1);
    ASSERT_EQ(again.size(), 1U);
    settle(*adapter, std::move(again[0]), Verdict::ack);
    ASSERT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_TRUE(adapter->empty().value());

    retry_after(1h);
    EXPECT_FALSE(adapter->empty().value());
    ASSERT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    EXPECT_FALSE(adapter->empty().value()) << "it waits in a delay queue";
}

TEST_F(RabbitMqConnectionTest, FindsRetriesOfAnEarlierRunWhenAskedForEmptiness) {
    {
        auto adapter = open();
        other_.publish(queue_, "x");
        auto deliveries = receive(*adapter, 1);
        auto verdict = settlement(std::move(deliveries.at(0)), Verdict::retry);
        verdict.delay = 1h;
        Settlements settlements;
        settlements.push_back(std::move(verdict));
        ASSERT_TRUE(adapter->settle(std::move(settlements)));
        ASSERT_TRUE(turn_until(*adapter, [&] { return adapter->unsettled() == 0; }));
    }
    auto adapter = open();
    EXPECT_FALSE(adapter->empty().value());
}

TEST_F(RabbitMqConnectionTest, WarnsBeforeTheConsumerTimeoutStrikes) {
    auto settings = settings_for(queue_);
    settings.consumer_timeout = 2s;
    auto adapter = open(settings);
    other_.publish(queue_, "x");
    auto deliveries = receive(*adapter, 1);
    EXPECT_TRUE(turn_until(*adapter, [&] { return log_.holds("consumer_timeout"); }));
    settle(*adapter, std::move(deliveries.at(0)), Verdict::ack);
}

}  // namespace
}  // namespace rococo::messaging::tests
