// SPDX-License-Identifier: MIT
#include "amqp_wire.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <utility>

namespace rococo::messaging::tests::wire {
namespace {

// RabbitMQ has no bound; this one keeps the recursion from the end of the stack.
constexpr int kDeepest = 1000;

struct ValueWriter {
    Writer& out;

    void operator()(std::monostate) const { out.u8('V'); }
    void operator()(bool value) const { out.u8('t').u8(value ? 1 : 0); }
    void operator()(std::int8_t value) const { out.u8('b').u8(static_cast<std::uint8_t>(value)); }
    void operator()(std::uint8_t value) const { out.u8('B').u8(value); }
    void operator()(std::int16_t value) const {
        out.u8('s').u16(static_cast<std::uint16_t>(value));
    }
    void operator()(std::uint16_t value) const { out.u8('u').u16(value); }
    void operator()(std::int32_t value) const {
        out.u8('I').u32(static_cast<std::uint32_t>(value));
    }
    void operator()(std::uint32_t value) const { out.u8('i').u32(value); }
    void operator()(std::int64_t value) const {
        out.u8('l').u64(static_cast<std::uint64_t>(value));
    }
    void operator()(std::uint64_t value) const { out.u8('L').u64(value); }
    void operator()(float value) const { out.u8('f').u32(std::bit_cast<std::uint32_t>(value)); }
    void operator()(double value) const { out.u8('d').u64(std::bit_cast<std::uint64_t>(value)); }
    void operator()(const Decimal& value) const {
        out.u8('D').u8(value.places).u32(static_cast<std::uint32_t>(value.digits));
    }
    void operator()(const std::string& text) const { out.u8('S').longstr(text); }
    void operator()(const Bytes& value) const { out.u8('x').longstr(value.bytes); }
    void operator()(const Timestamp& value) const { out.u8('T').u64(value.seconds); }
    void operator()(const Array& array) const {
        Writer items;
        for (const auto& item : array) items.value(item);
        out.u8('A').longstr(items.bytes());
    }
    void operator()(const Table& table) const { out.u8('F').table(table); }
};

/// Calls `text` or `number` for each property, in the order of its flag from bit 15 downwards.
template <typename P, typename F>
void for_each_property(P& properties, F&& visit) {
    visit(properties.content_type);
    visit(properties.content_encoding);
    visit(properties.headers);
    visit(properties.delivery_mode);
    visit(properties.priority);
    visit(properties.correlation_id);
    visit(properties.reply_to);
    visit(properties.expiration);
    visit(properties.message_id);
    visit(properties.timestamp);
    visit(properties.type);
    visit(properties.user_id);
    visit(properties.app_id);
    visit(properties.cluster_id);
}

constexpr std::uint16_t kBasicClass = 60;

constexpr std::array kNames{
    std::pair{Method::protocol_header, "protocol-header"},
    std::pair{Method::connection_start, "connection.start"},
    std::pair{Method::connection_start_ok, "connection.start-ok"},
    std::pair{Method::connection_tune, "connection.tune"},
    std::pair{Method::connection_tune_ok, "connection.tune-ok"},
    std::pair{Method::connection_open, "connection.open"},
    std::pair{Method::connection_open_ok, "connection.open-ok"},
    std::pair{Method::connection_close, "connection.close"},
    std::pair{Method::connection_close_ok, "connection.close-ok"},
    std::pair{Method::connection_blocked, "connection.blocked"},
    std::pair{Method::connection_unblocked, "connection.unblocked"},
    std::pair{Method::channel_open, "channel.open"},
    std::pair{Method::channel_open_ok, "channel.open-ok"},
    std::pair{Method::channel_close, "channel.close"},
    std::pair{Method::channel_close_ok, "channel.close-ok"},
    std::pair{Method::queue_declare, "queue.declare"},
    std::pair{Method::queue_declare_ok, "queue.declare-ok"},
    std::pair{Method::queue_purge, "queue.purge"},
    std::pair{Method::queue_purge_ok, "queue.purge-ok"},
    std::pair{Method::queue_delete, "queue.delete"},
    std::pair{Method::queue_delete_ok, "queue.delete-ok"},
    std::pair{Method::basic_qos, "basic.qos"},
    std::pair{Method::basic_qos_ok, "basic.qos-ok"},
    std::pair{Method::basic_consume, "basic.consume"},
    std::pair{Method::basic_consume_ok, "basic.consume-ok"},
    std::pair{Method::basic_cancel, "basic.cancel"},
    std::pair{Method::basic_cancel_ok, "basic.cancel-ok"},
    std::pair{Method::basic_publish, "basic.publish"},
    std::pair{Method::basic_return, "basic.return"},
    std::pair{Method::basic_deliver, "basic.deliver"},
    std::pair{Method::basic_get, "basic.get"},
    std::pair{Method::basic_get_ok, "basic.get-ok"},
    std::pair{Method::basic_get_empty, "basic.get-empty"},
    std::pair{Method::basic_ack, "basic.ack"},
    std::pair{Method::basic_reject, "basic.reject"},
    std::pair{Method::basic_nack, "basic.nack"},
    std::pair{Method::confirm_select, "confirm.select"},
    std::pair{Method::confirm_select_ok, "confirm.select-ok"},
};

}  // namespace

Value::Value() = default;
Value::~Value() = default;
Value::Value(const Value& other) = default;
Value::Value(Value&& other) noexcept = default;
Value& Value::operator=(const Value& other) = default;
Value& Value::operator=(Value&& other) noexcept = default;
Value::Value(const char* text) : kind(std::string(text)) {}

bool Value::operator==(const Value& other) const { return kind == other.kind; }

std::optional<std::int64_t> Value::integer() const {
    return std::visit(
        [](const auto& value) -> std::optional<std::int64_t> {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
                return static_cast<std::int64_t>(value);
            return std::nullopt;
        },
        kind);
}

std::string Value::text() const {
    const auto* text = std::get_if<std::string>(&kind);
    return text == nullptr ? std::string() : *text;
}

const Value* find(const Table& table, std::string_view name) {
    const auto found = std::ranges::find(table, name, &Entry::name);
    return found == table.end() ? nullptr : &found->value;
}

void set(Table& table, std::string_view name, Value value) {
    const auto found = std::ranges::find(table, name, &Entry::name);
    if (found != table.end()) {
        found->value = std::move(value);
    } else {
        table.push_back({std::string(name), std::move(value)});
    }
}

Writer& Writer::u8(std::uint8_t value) {
    bytes_ += static_cast<char>(value);
    return *this;
}
Writer& Writer::u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8U)).u8(static_cast<std::uint8_t>(value));
}
Writer& Writer::u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value));
}
Writer& Writer::u64(std::uint64_t value) {
    return u32(static_cast<std::uint32_t>(value >> 32U)).u32(static_cast<std::uint32_t>(value));
}
Writer& Writer::shortstr(std::string_view text) {
    if (text.size() > 255) throw WireError("a shortstr of " + std::to_string(text.size()));
    return u8(static_cast<std::uint8_t>(text.size())).raw(text);
}
Writer& Writer::longstr(std::string_view text) {
    return u32(static_cast<std::uint32_t>(text.size())).raw(text);
}
Writer& Writer::raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
}
Writer& Writer::table(const Table& table) {
    Writer entries;
    for (const auto& entry : table) entries.shortstr(entry.name).value(entry.value);
    return longstr(entries.bytes());
}
Writer& Writer::value(const Value& value) {
    std::visit(ValueWriter{*this}, value.kind);
    return *this;
}

std::string_view Reader::take(std::size_t count) {
    if (count > bytes_.size())
        throw WireError(std::to_string(count) + " bytes announced, " +
                        std::to_string(bytes_.size()) + " there");
    const auto taken = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return taken;
}

std::uint64_t Reader::number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char byte : take(size)) value = value << 8U | static_cast<unsigned char>(byte);
    return value;
}

Table Reader::table(int depth) {
    if (depth > kDeepest) throw WireError("tables nested too deeply");
    Reader inner(take(u32()));
    Table table;
    while (!inner.at_end()) {
        auto name = inner.shortstr();
        table.push_back({std::move(name), inner.value(depth + 1)});
    }
    return table;
}

Value Reader::value(int depth) {
    switch (const char tag = static_cast<char>(u8()); tag) {
        case 'V':
            return {};
        case 't':
            return u8() != 0;
        case 'b':
            return static_cast<std::int8_t>(u8());
        case 'B':
            return u8();
        case 's':
            return static_cast<std::int16_t>(u16());
        case 'u':
            return u16();
        case 'I':
            return static_cast<std::int32_t>(u32());
        case 'i':
            return u32();
        case 'l':
            return static_cast<std::int64_t>(u64());
        case 'L':
            return u64();
        case 'f':
            return std::bit_cast<float>(u32());
        case 'd':
            return std::bit_cast<double>(u64());
        case 'D': {
            const auto places = u8();
            return Decimal{places, static_cast<std::int32_t>(u32())};
        }
        case 'S':
            return longstr();
        case 'x':
            return Bytes{longstr()};
        case 'T':
            return Timestamp{u64()};
        case 'A': {
            if (depth > kDeepest) throw WireError("arrays nested too deeply");
            Reader inner(take(u32()));
            Array array;
            while (!inner.at_end()) array.push_back(inner.value(depth + 1));
            return array;
        }
        case 'F':
            return table(depth);
        default:
            throw WireError(std::string("no type of a field: ") + tag);
    }
}

const Value* Properties::header(std::string_view name) const {
    return headers ? find(*headers, name) : nullptr;
}

std::string encode(const ContentHeader& header) {
    std::uint16_t flags = 0;
    std::uint16_t flag = 1U << 15U;
    Writer values;
    for_each_property(header.properties, [&](const auto& property) {
        using T = typename std::decay_t<decltype(property)>::value_type;
        if (property) {
            flags |= flag;
            if constexpr (std::is_same_v<T, std::string>) values.shortstr(*property);
            if constexpr (std::is_same_v<T, std::uint8_t>) values.u8(*property);
            if constexpr (std::is_same_v<T, std::uint64_t>) values.u64(*property);
            if constexpr (std::is_same_v<T, Table>) values.table(*property);
        }
        flag >>= 1U;
    });
    Writer out;
    out.u16(kBasicClass).u16(0).u64(header.body_size).u16(flags).raw(values.bytes());
    return out.bytes();
}

ContentHeader decode_content_header(std::string_view payload) {
    Reader in(payload);
    if (in.u16() != kBasicClass) throw WireError("a content header of another class");
    in.u16();
    ContentHeader header;
    header.body_size = in.u64();
    const auto flags = in.u16();
    if ((flags & 1U) != 0) throw WireError("more flags than there are properties");
    std::uint16_t flag = 1U << 15U;
    for_each_property(header.properties, [&](auto& property) {
        using T = typename std::decay_t<decltype(property)>::value_type;
        if ((flags & flag) != 0) {
            if constexpr (std::is_same_v<T, std::string>) property = in.shortstr();
            if constexpr (std::is_same_v<T, std::uint8_t>) property = in.u8();
            if constexpr (std::is_same_v<T, std::uint64_t>) property = in.u64();
            if constexpr (std::is_same_v<T, Table>) property = in.table();
        }
        flag >>= 1U;
    });
    if (!in.at_end()) throw WireError("bytes behind the properties");
    return header;
}

std::string encode(const Frame& frame) {
    Writer out;
    out.u8(static_cast<std::uint8_t>(frame.type)).u16(frame.channel).longstr(frame.payload);
    return out.u8(kFrameEnd).bytes();
}

std::optional<std::string> FrameReader::take(std::size_t count) {
    if (buffer_.size() - done_ < count) return std::nullopt;
    std::string taken = buffer_.substr(done_, count);
    done_ += count;
    return taken;
}

std::optional<Frame> FrameReader::next(std::size_t max_bytes) {
    constexpr std::size_t kAround = 8;  // Type, channel and size before, the end behind.
    const std::string_view left = std::string_view(buffer_).substr(done_);
    if (left.size() < kAround - 1) return std::nullopt;
    Reader in(left);
    Frame frame;
    frame.type = static_cast<FrameType>(in.u8());
    frame.channel = in.u16();
    const std::size_t size = in.u32();
    if (max_bytes != 0 && size + kAround > max_bytes)
        throw WireError("a frame of " + std::to_string(size) + " bytes");
    if (left.size() < size + kAround) return std::nullopt;
    frame.payload = in.take(size);
    if (in.u8() != kFrameEnd) throw WireError("a frame without its end");
    done_ += size + kAround;
    if (done_ > 1'000'000 || done_ == buffer_.size()) {
        buffer_.erase(0, done_);
        done_ = 0;
    }
    return frame;
}

std::string_view name_of(Method method) {
    const auto* found = std::ranges::find(kNames, method, &std::pair<Method, const char*>::first);
    return found == kNames.end() ? "unknown" : found->second;
}

Method method_named(std::string_view name) {
    for (const auto& [method, known] : kNames)
        if (name == known) return method;
    throw std::invalid_argument("no method of AMQP: " + std::string(name));
}

std::string method_frame(std::uint16_t channel, Method method, const Writer& arguments) {
    Writer payload;
    payload.u32(static_cast<std::uint32_t>(method)).raw(arguments.bytes());
    return encode(Frame{FrameType::method, channel, payload.bytes()});
}

}  // namespace rococo::messaging::tests::wire
