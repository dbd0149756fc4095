// SPDX-License-Identifier: MIT
#include "amqp_value_text.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "amqp_failure.hpp"

namespace rococo::messaging {
namespace {

using Json = nlohmann::ordered_json;

std::string decimal_text(const amqp_decimal_t& decimal) {
    auto digits = std::to_string(decimal.value);
    if (decimal.decimals == 0) return digits;
    const std::size_t places = decimal.decimals;  // At most 255.
    if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
    digits.insert(digits.size() - places, ".");
    return digits;
}

// A frame has room for 25,000 levels, and rabbitmq-c decodes them all: as many calls within each
// other would break the stack. What is nested deeper than people can read is left out.
constexpr int kMostLevels = 100;

Json to_json(const amqp_field_value_t& value, int level = 0) {
    if (level > kMostLevels) return "…";
    switch (value.kind) {
        case AMQP_FIELD_KIND_BOOLEAN:
            return value.value.boolean != 0;
        case AMQP_FIELD_KIND_F32:
            return value.value.f32;
        case AMQP_FIELD_KIND_F64:
            return value.value.f64;
        case AMQP_FIELD_KIND_DECIMAL:
            return decimal_text(value.value.decimal);
        case AMQP_FIELD_KIND_U64:
        case AMQP_FIELD_KIND_TIMESTAMP:
            return value.value.u64;
        case AMQP_FIELD_KIND_UTF8:
        case AMQP_FIELD_KIND_BYTES:
            return std::string(view(value.value.bytes));
        case AMQP_FIELD_KIND_ARRAY: {
            Json array = Json::array();
            for (int i = 0; i < value.value.array.num_entries; ++i)
                array.push_back(to_json(value.value.array.entries[i], level + 1));
            return array;
        }
        case AMQP_FIELD_KIND_TABLE: {
            Json table = Json::object();
            for (int i = 0; i < value.value.table.num_entries; ++i) {
                const auto& entry = value.value.table.entries[i];
                table[std::string(view(entry.key))] = to_json(entry.value, level + 1);
            }
            return table;
        }
        default: {
            const auto integer = to_integer(value);
            return integer ? Json(*integer) : Json(nullptr);
        }
    }
}

}  // namespace

bool is_text(const amqp_field_value_t& value) {
    return value.kind == AMQP_FIELD_KIND_UTF8 || value.kind == AMQP_FIELD_KIND_BYTES;
}

std::optional<std::int64_t> to_integer(const amqp_field_value_t& value) {
    switch (value.kind) {
        case AMQP_FIELD_KIND_I8:
            return value.value.i8;
        case AMQP_FIELD_KIND_U8:
            return value.value.u8;
        case AMQP_FIELD_KIND_I16:
            return value.value.i16;
        case AMQP_FIELD_KIND_U16:
            return value.value.u16;
        case AMQP_FIELD_KIND_I32:
            return value.value.i32;
        case AMQP_FIELD_KIND_U32:
            return value.value.u32;
        case AMQP_FIELD_KIND_I64:
            return value.value.i64;
        case AMQP_FIELD_KIND_U64: {
            constexpr auto kLargest = std::numeric_limits<std::int64_t>::max();
            return value.value.u64 > static_cast<std::uint64_t>(kLargest)
                       ? kLargest
                       : static_cast<std::int64_t>(value.value.u64);
        }
        default:
            return std::nullopt;
    }
}

std::string to_text(const amqp_field_value_t& value) {
    // A float's own shortest text; JSON would have that of the double which it becomes.
    if (value.kind == AMQP_FIELD_KIND_F32) return fmt::format("{}", value.value.f32);
    if (value.kind == AMQP_FIELD_KIND_F64) return fmt::format("{}", value.value.f64);
    const Json json = to_json(value);
    if (json.is_null()) return {};
    if (json.is_string()) return json.get<std::string>();
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace rococo::messaging
