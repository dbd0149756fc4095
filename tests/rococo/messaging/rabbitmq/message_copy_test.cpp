// SPDX-License-Identifier: MIT
#include "message_copy.hpp"

#include <gmock/gmock.h>

#include <array>

#include "amqp_failure.hpp"

namespace rococo::messaging {
namespace {

using testing::ElementsAre;
using Purpose = MessageCopy::Purpose;

amqp_table_entry_t text(const char* key, const char* value) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = amqp_cstring_bytes(value);
    return entry;
}

amqp_table_entry_t number(const char* key, std::int64_t value) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_I64;
    entry.value.value.i64 = value;
    return entry;
}

template <std::size_t Size>
amqp_basic_properties_t with_headers(std::array<amqp_table_entry_t, Size>& entries) {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_HEADERS_FLAG;
    properties.headers = {.num_entries = Size, .entries = entries.data()};
    return properties;
}

std::vector<std::string> names(const MessageCopy& copy) {
    std::vector<std::string> names;
    const auto& table = copy.properties().headers;
    for (int i = 0; i < table.num_entries; ++i) names.emplace_back(view(table.entries[i].key));
    return names;
}

TEST(MessageCopy, IsAlwaysPersistent) {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
    properties.delivery_mode = 1;
    const MessageCopy copy(properties, "body", Purpose::retry, "guest");
    EXPECT_EQ(copy.properties().delivery_mode, 2);
    EXPECT_EQ(copy.body(), "body");
}

TEST(MessageCopy, HoldsBackWhatTheBrokerWouldActUpon) {
    std::array entries{text("CC", "other"), text("x-death", "forged"), text("mine", "1")};
    auto properties = with_headers(entries);
    properties._flags |= AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG;
    properties.expiration = amqp_cstring_bytes("1000");
    properties.user_id = amqp_cstring_bytes("alice");
    const MessageCopy copy(properties, "", Purpose::retry, "bob");
    EXPECT_THAT(names(copy), ElementsAre("x-rococo-held-CC", "x-rococo-held-x-death", "mine",
                                         "x-rococo-held-user-id", "x-rococo-held-expiration"));
    EXPECT_EQ(copy.properties()._flags & (AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG),
              0U);
    EXPECT_EQ(copy.header("x-rococo-held-expiration"), "1000");
}

TEST(MessageCopy, KeepsTheUserThatIsOurs) {
    amqp_basic_properties_t properties{};
    properties._flags = AMQP_BASIC_USER_ID_FLAG;
    properties.user_id = amqp_cstring_bytes("bob");
    const MessageCopy copy(properties, "", Purpose::retry, "bob");
    EXPECT_EQ(view(copy.properties().user_id), "bob");
    EXPECT_NE(copy.properties()._flags & AMQP_BASIC_USER_ID_FLAG, 0U);
}

TEST(MessageCopy, DropsTheTracesOfDelayQueuesButNotTheSendersOwn) {
    std::array entries{number("x-rococo-attempts", 2), text("x-rococo-held-x-death", "sender's"),
                       text("x-death", "delay queue's"), text("x-first-death-queue", "q.delay.100"),
                       number("x-delivery-count", 1)};
    const auto properties = with_headers(entries);
    const MessageCopy again(properties, "", Purpose::retry, "");
    EXPECT_THAT(names(again), ElementsAre("x-rococo-attempts", "x-rococo-held-x-death"));
    const MessageCopy dead(properties, "", Purpose::dead_letter, "");
    EXPECT_THAT(names(dead), ElementsAre("x-rococo-attempts", "x-death"));
    EXPECT_EQ(dead.header("x-death"), "sender's");
}

TEST(MessageCopy, ACopyForTheSameQueueIsTheSameButForItsCountOfReturns) {
    std::array entries{number("x-delivery-count", 2), number("x-rococo-attempts", 5),
                       text("x-death", "the sender's"), text("CC", "other"),
                       text("x-rococo-id", "1f2e")};
    const auto properties = with_headers(entries);
    const MessageCopy copy(properties, "", Purpose::same, "guest");
    EXPECT_THAT(names(copy),
                ElementsAre("x-rococo-attempts", "x-death", "x-rococo-held-CC", "x-rococo-id"));
}

TEST(MessageCopy, FitsIntoOneFrameWhateverTheHeaders) {
    const std::string large(120'000, 'x');
    std::array entries{text("small", "1"), text("large", large.c_str())};
    MessageCopy copy(with_headers(entries), "", Purpose::dead_letter, "");
    copy.set_header("x-rococo-error", std::string(4096, 'e'));
    copy.fit_into(125'000);
    EXPECT_THAT(names(copy), ElementsAre("small", "large", "x-rococo-error"));
    copy.fit_into(100'000);
    EXPECT_THAT(names(copy), ElementsAre("small", "x-rococo-error", "x-rococo-dropped-headers"));
    EXPECT_EQ(copy.header("x-rococo-dropped-headers"), "large");
}

}  // namespace
}  // namespace rococo::messaging
