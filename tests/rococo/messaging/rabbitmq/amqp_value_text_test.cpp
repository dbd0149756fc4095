// SPDX-License-Identifier: MIT
#include "amqp_value_text.hpp"

#include <gmock/gmock.h>

#include <array>
#include <limits>

namespace rococo::messaging {
namespace {

amqp_field_value_t value_of(std::uint8_t kind) {
    amqp_field_value_t value{};
    value.kind = kind;
    return value;
}

TEST(AmqpValueText, RendersEveryScalar) {
    auto value = value_of(AMQP_FIELD_KIND_BOOLEAN);
    value.value.boolean = 1;
    EXPECT_EQ(to_text(value), "true");
    value = value_of(AMQP_FIELD_KIND_I8);
    value.value.i8 = -5;
    EXPECT_EQ(to_text(value), "-5");
    value = value_of(AMQP_FIELD_KIND_U8);
    value.value.u8 = 200;
    EXPECT_EQ(to_text(value), "200");
    value = value_of(AMQP_FIELD_KIND_I64);
    value.value.i64 = std::numeric_limits<std::int64_t>::min();
    EXPECT_EQ(to_text(value), "-9223372036854775808");
    value = value_of(AMQP_FIELD_KIND_U64);
    value.value.u64 = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(to_text(value), "18446744073709551615");
    value = value_of(AMQP_FIELD_KIND_F64);
    value.value.f64 = 0.1;
    EXPECT_EQ(to_text(value), "0.1");
    value = value_of(AMQP_FIELD_KIND_TIMESTAMP);
    value.value.u64 = 1764000000;
    EXPECT_EQ(to_text(value), "1764000000");
    EXPECT_EQ(to_text(value_of(AMQP_FIELD_KIND_VOID)), "");
}

TEST(AmqpValueText, PutsTheDecimalPointInItsPlace) {
    auto value = value_of(AMQP_FIELD_KIND_DECIMAL);
    value.value.decimal = {.decimals = 2, .value = 12345};
    EXPECT_EQ(to_text(value), "123.45");
    value.value.decimal = {.decimals = 4, .value = 5};
    EXPECT_EQ(to_text(value), "0.0005");
    value.value.decimal = {.decimals = 0, .value = 7};
    EXPECT_EQ(to_text(value), "7");
    value.value.decimal = {.decimals = 255, .value = 1};
    EXPECT_EQ(to_text(value).size(), 257U);
}

TEST(AmqpValueText, RendersTablesAsJsonEvenWithBytesThatAreNotUtf8) {
    std::array<amqp_table_entry_t, 2> entries{};
    entries[0].key = amqp_cstring_bytes("bytes");
    entries[0].value = value_of(AMQP_FIELD_KIND_BYTES);
    entries[0].value.value.bytes = amqp_cstring_bytes("\xff\"x");
    entries[1].key = amqp_cstring_bytes("n");
    entries[1].value = value_of(AMQP_FIELD_KIND_I32);
    entries[1].value.value.i32 = 7;
    auto value = value_of(AMQP_FIELD_KIND_TABLE);
    value.value.table = {.num_entries = 2, .entries = entries.data()};
    EXPECT_EQ(to_text(value), "{\"bytes\":\"\xef\xbf\xbd\\\"x\",\"n\":7}");
}

TEST(AmqpValueText, CountsOnlyIntegersAsNumbers) {
    auto value = value_of(AMQP_FIELD_KIND_U64);
    value.value.u64 = std::numeric_limits<std::uint64_t>::max();
    EXPECT_EQ(to_integer(value), std::numeric_limits<std::int64_t>::max());
    value = value_of(AMQP_FIELD_KIND_UTF8);
    value.value.bytes = amqp_cstring_bytes("5");
    EXPECT_EQ(to_integer(value), std::nullopt);
    value = value_of(AMQP_FIELD_KIND_F64);
    value.value.f64 = 5;
    EXPECT_EQ(to_integer(value), std::nullopt);
}

}  // namespace
}  // namespace rococo::messaging
