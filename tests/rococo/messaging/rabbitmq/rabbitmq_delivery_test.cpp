// SPDX-License-Identifier: MIT
#include "rabbitmq_delivery.hpp"

#include <gmock/gmock.h>

#include <array>
#include <optional>
#include <stdexcept>

#include "amqp_failure.hpp"

namespace rococo::messaging {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t kMilliseconds = 1'764'000'001'234;
const SystemTime kWholeSecond{std::chrono::seconds(1'764'000'000)};
const SystemTime kTime{std::chrono::milliseconds(kMilliseconds)};

amqp_table_entry_t number(const char* key, std::int64_t value) {
    return {amqp_cstring_bytes(key), {.kind = AMQP_FIELD_KIND_I64, .value = {.i64 = value}}};
}

amqp_table_entry_t text(const char* key, const char* value) {
    return {amqp_cstring_bytes(key),
            {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes(value)}}};
}

/// A message with these headers and AMQP's timestamp, as it comes from the wire.
std::unique_ptr<RabbitMqDelivery> arrive(std::vector<amqp_table_entry_t> headers) {
    amqp_basic_properties_t sent{};
    sent._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_TIMESTAMP_FLAG;
    sent.headers = {.num_entries = static_cast<int>(headers.size()), .entries = headers.data()};
    sent.timestamp = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::seconds>(kWholeSecond.time_since_epoch()).count());
    std::array<char, 4096> wire{};
    const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &sent, {wire.size(), wire.data()});
    amqp_pool_t pool{};
    init_amqp_pool(&pool, wire.size());
    void* decoded = nullptr;
    const amqp_bytes_t raw{static_cast<std::size_t>(size), wire.data()};
    if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool, raw, &decoded) < 0)
        throw std::runtime_error("not decoded");
    auto delivery =
        RabbitMqDelivery::create(raw, *static_cast<amqp_basic_properties_t*>(decoded), 0, "work");
    empty_amqp_pool(&pool);
    return delivery;
}

TEST(RabbitMqDelivery, WasSentWhenTheHostSaysBeforeAllOthers) {
    EXPECT_EQ(
        arrive({number("x-rococo-sent-at", kMilliseconds), number("timestamp_in_ms", 1)})->sent_at,
        kTime);
    EXPECT_EQ(
        arrive({number("timestamp_in_ms", 1), number("x-rococo-sent-at", kMilliseconds)})->sent_at,
        kTime);
}

TEST(RabbitMqDelivery, WasSentWhenTheBrokersMillisecondsSayBeforeWholeSeconds) {
    EXPECT_EQ(arrive({number("timestamp_in_ms", kMilliseconds)})->sent_at, kTime);
    EXPECT_EQ(arrive({number("mine", 7)})->sent_at, kWholeSecond);
}

TEST(RabbitMqDelivery, ATimeThatCannotBeIsNoTime) {
    for (const std::int64_t wrong : {std::int64_t{-1}, std::int64_t{0}, INT64_MIN, INT64_MAX})
        EXPECT_EQ(arrive({number("x-rococo-sent-at", wrong)})->sent_at, kWholeSecond) << wrong;
    EXPECT_EQ(
        arrive({text("x-rococo-sent-at", "yesterday"), number("timestamp_in_ms", kMilliseconds)})
            ->sent_at,
        kTime);
}

TEST(RabbitMqDelivery, ShowsTheHeadersOfOthersAndNoneOfTheHosts) {
    EXPECT_THAT(arrive({number("x-rococo-sent-at", kMilliseconds),
                        text("x-rococo-edited-from", "the letter")})
                    ->headers,
                IsEmpty());
    const auto delivery =
        arrive({number("x-rococo-sent-at", kMilliseconds), number("timestamp_in_ms", 7)});
    ASSERT_THAT(delivery->headers, SizeIs(1));
    EXPECT_EQ(delivery->headers[0].name, "timestamp_in_ms");
    EXPECT_EQ(delivery->headers[0].value, "7");
}

}  // namespace
}  // namespace rococo::messaging
