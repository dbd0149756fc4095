// SPDX-License-Identifier: MIT
// AMQP 0-9-1 on the wire, for the tests' own end of a connection. Nothing of rabbitmq-c: this end
// must be able to lie.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rococo::messaging::tests::wire {

/// What cannot be read: too short, a length that lies, an unknown type, a frame without its end.
class WireError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Value;
struct Entry;
using Array = std::vector<Value>;
using Table = std::vector<Entry>;
struct Decimal {
    std::uint8_t places = 0;
    std::int32_t digits = 0;
    bool operator==(const Decimal&) const = default;
};
struct Timestamp {
    std::uint64_t seconds = 0;
    bool operator==(const Timestamp&) const = default;
};
struct Bytes {
    std::string bytes;
    bool operator==(const Bytes&) const = default;
};

/// A field's value in RabbitMQ's dialect of AMQP's types; a plain string is a `longstr`.
struct Value {
    using Kind =
        std::variant<std::monostate, bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                     std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, float, double,
                     Decimal, std::string, Bytes, Timestamp, Array, Table>;
    Kind kind;

    // Defined where Entry is complete.
    Value();
    ~Value();
    Value(const Value& other);
    Value(Value&& other) noexcept;
    Value& operator=(const Value& other);
    Value& operator=(Value&& other) noexcept;
    template <typename T>
    Value(T value);           // NOLINT(google-explicit-constructor)
    Value(const char* text);  // NOLINT(google-explicit-constructor)
    bool operator==(const Value& other) const;

    /// Whatever integer it is; none for any other type.
    [[nodiscard]] std::optional<std::int64_t> integer() const;
    /// The text of a `longstr`; empty for any other type.
    [[nodiscard]] std::string text() const;
};
struct Entry {
    std::string name;
    Value value;
    bool operator==(const Entry&) const = default;
};
template <typename T>
Value::Value(T value) : kind(std::move(value)) {}

[[nodiscard]] const Value* find(const Table& table, std::string_view name);
/// Sets or replaces.
void set(Table& table, std::string_view name, Value value);

/// Appends to a buffer, in network order. Lengths are what they are told to be.
class Writer {
public:
    Writer& u8(std::uint8_t value);
    Writer& u16(std::uint16_t value);
    Writer& u32(std::uint32_t value);
    Writer& u64(std::uint64_t value);
    Writer& shortstr(std::string_view text);
    Writer& longstr(std::string_view text);
    Writer& table(const Table& table);
    Writer& value(const Value& value);
    Writer& raw(std::string_view bytes);
    [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
    std::string bytes_;
};

/// Reads what a Writer wrote. Throws WireError.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u64() { return number(8); }
    std::string shortstr() { return std::string(take(u8())); }
    std::string longstr() { return std::string(take(u32())); }
    Table table() { return table(0); }
    std::string_view take(std::size_t count);
    [[nodiscard]] bool at_end() const { return bytes_.empty(); }
    [[nodiscard]] std::string_view rest() const { return bytes_; }

private:
    std::uint64_t number(std::size_t size);
    Table table(int depth);
    Value value(int depth);
    std::string_view bytes_;
};

/// The properties of `basic`, as a content header carries them.
struct Properties {
    std::optional<std::string> content_type = {};
    std::optional<std::string> content_encoding = {};
    std::optional<Table> headers = {};
    std::optional<std::uint8_t> delivery_mode = {};
    std::optional<std::uint8_t> priority = {};
    std::optional<std::string> correlation_id = {};
    std::optional<std::string> reply_to = {};
    std::optional<std::string> expiration = {};
    std::optional<std::string> message_id = {};
    std::optional<std::uint64_t> timestamp = {};
    std::optional<std::string> type = {};
    std::optional<std::string> user_id = {};
    std::optional<std::string> app_id = {};
    std::optional<std::string> cluster_id = {};
    bool operator==(const Properties&) const = default;

    /// The header; nothing where there is none.
    [[nodiscard]] const Value* header(std::string_view name) const;
};

struct ContentHeader {
    std::uint64_t body_size = 0;
    Properties properties;
};
/// The payload of a header frame.
[[nodiscard]] std::string encode(const ContentHeader& header);
[[nodiscard]] ContentHeader decode_content_header(std::string_view payload);

enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };
inline constexpr std::uint8_t kFrameEnd = 0xce;
inline constexpr std::string_view kProtocolHeader{"AMQP\0\0\x09\x01", 8};

struct Frame {
    FrameType type = FrameType::method;
    std::uint16_t channel = 0;
    std::string payload;
};
[[nodiscard]] std::string encode(const Frame& frame);

/// Cuts a stream of bytes into frames.
class FrameReader {
public:
    void feed(std::string_view bytes) { buffer_.append(bytes); }
    /// The next whole frame, or nothing yet. Throws WireError for a frame beyond `max_bytes` or
    /// without its end.
    [[nodiscard]] std::optional<Frame> next(std::size_t max_bytes);
    /// The first bytes of a connection, once there are so many.
    [[nodiscard]] std::optional<std::string> take(std::size_t count);

private:
    std::string buffer_;
    std::size_t done_ = 0;
};

/// Class and method in one number, as rabbitmq-c has them.
enum class Method : std::uint32_t {
    none = 0,
    /// The eight bytes that a client begins with.
    protocol_header = 1,
    connection_start = 0x000A000A,
    connection_start_ok = 0x000A000B,
    connection_tune = 0x000A001E,
    connection_tune_ok = 0x000A001F,
    connection_open = 0x000A0028,
    connection_open_ok = 0x000A0029,
    connection_close = 0x000A0032,
    connection_close_ok = 0x000A0033,
    connection_blocked = 0x000A003C,
    connection_unblocked = 0x000A003D,
    channel_open = 0x0014000A,
    channel_open_ok = 0x0014000B,
    channel_close = 0x00140028,
    channel_close_ok = 0x00140029,
    queue_declare = 0x0032000A,
    queue_declare_ok = 0x0032000B,
    queue_purge = 0x0032001E,
    queue_purge_ok = 0x0032001F,
    queue_delete = 0x00320028,
    queue_delete_ok = 0x00320029,
    basic_qos = 0x003C000A,
    basic_qos_ok = 0x003C000B,
    basic_consume = 0x003C0014,
    basic_consume_ok = 0x003C0015,
    basic_cancel = 0x003C001E,
    basic_cancel_ok = 0x003C001F,
    basic_publish = 0x003C0028,
    basic_return = 0x003C0032,
    basic_deliver = 0x003C003C,
    basic_get = 0x003C0046,
    basic_get_ok = 0x003C0047,
    basic_get_empty = 0x003C0048,
    basic_ack = 0x003C0050,
    basic_reject = 0x003C005A,
    basic_nack = 0x003C0078,
    confirm_select = 0x0055000A,
    confirm_select_ok = 0x0055000B,
};
/// Such as `basic.ack`; `unknown` for what is not in the list.
[[nodiscard]] std::string_view name_of(Method method);
/// Throws std::invalid_argument for a name that is not in the list.
[[nodiscard]] Method method_named(std::string_view name);

/// A whole method frame.
[[nodiscard]] std::string method_frame(std::uint16_t channel, Method method,
                                       const Writer& arguments = {});

}  // namespace rococo::messaging::tests::wire
