// SPDX-License-Identifier: MIT
// The codec of the scripted broker, against itself and against rabbitmq-c's.
#include "amqp_wire.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <gmock/gmock.h>

#include <cstring>
#include <limits>

namespace rococo::messaging::tests::wire {
namespace {

/// Each type once, nested.
Table every_type() {
    return {{"void", Value()},
            {"bool", true},
            {"i8", std::int8_t{-7}},
            {"u8", std::uint8_t{200}},
            {"i16", std::int16_t{-30000}},
            {"u16", std::uint16_t{60000}},
            {"i32", std::int32_t{-2000000000}},
            {"u32", std::uint32_t{4000000000}},
            {"i64", std::numeric_limits<std::int64_t>::min()},
            {"u64", std::numeric_limits<std::uint64_t>::max()},
            {"float", 1.5F},
            {"double", -0.25},
            {"decimal", Decimal{2, -12345}},
            {"text", "grün\n"},
            {"bytes", Bytes{std::string("\xff\0\x01", 3)}},
            {"time", Timestamp{1764000000}},
            {"array", Array{std::int32_t{1}, "two", Array{}}},
            {"table", Table{{"inner", Table{}}}}};
}

Properties every_property() {
    return {.content_type = "application/json",
            .content_encoding = "gzip",
            .headers = every_type(),
            .delivery_mode = 2,
            .priority = 9,
            .correlation_id = "c",
            .reply_to = "r",
            .expiration = "1000",
            .message_id = "m",
            .timestamp = 1764000001,
            .type = "t",
            .user_id = "guest",
            .app_id = "a",
            .cluster_id = ""};
}

TEST(AmqpWire, ReadsWhatItWrote) {
    Writer writer;
    writer.u8(255).u16(65535).u32(4294967295).u64(18446744073709551615U);
    writer.shortstr(std::string(255, 's')).longstr("long").table(every_type());
    Reader reader(writer.bytes());
    EXPECT_EQ(reader.u8(), 255);
    EXPECT_EQ(reader.u16(), 65535);
    EXPECT_EQ(reader.u32(), 4294967295U);
    EXPECT_EQ(reader.u64(), 18446744073709551615U);
    EXPECT_EQ(reader.shortstr(), std::string(255, 's'));
    EXPECT_EQ(reader.longstr(), "long");
    EXPECT_EQ(reader.table(), every_type());
    EXPECT_TRUE(reader.at_end());
}

TEST(AmqpWire, CarriesEveryPropertyAndNone) {
    const auto read = decode_content_header(encode({12345678901234, every_property()}));
    EXPECT_EQ(read.body_size, 12345678901234U);
    EXPECT_EQ(read.properties, every_property());
    EXPECT_EQ(decode_content_header(encode({0, {}})).properties, Properties());
}

TEST(AmqpWire, IsWhatRabbitMqCReads) {
    const auto payload = encode({7, every_property()});
    amqp_pool_t pool{};
    init_amqp_pool(&pool, 4096);
    void* decoded = nullptr;
    constexpr std::size_t kBeforeProperties = 12;
    auto flags_and_values = payload.substr(kBeforeProperties);
    ASSERT_EQ(amqp_decode_properties(AMQP_BASIC_CLASS, &pool,
                                     {flags_and_values.size(), flags_and_values.data()}, &decoded),
              0);
    auto* properties = static_cast<amqp_basic_properties_t*>(decoded);
    EXPECT_EQ(properties->headers.num_entries, 18);
    EXPECT_EQ(properties->timestamp, 1764000001U);
    // And what it writes, this codec reads as the same again.
    std::string again(payload.size(), '\0');
    const int written =
        amqp_encode_properties(AMQP_BASIC_CLASS, decoded, {again.size(), again.data()});
    ASSERT_GT(written, 0);
    again.resize(static_cast<std::size_t>(written));
    EXPECT_EQ(decode_content_header(payload.substr(0, kBeforeProperties) + again).properties,
              every_property());
    empty_amqp_pool(&pool);
}

TEST(AmqpWire, CutsFramesFromBytesThatComeOneByOne) {
    const auto bytes = method_frame(3, Method::basic_ack, Writer().u64(9).u8(1)) +
                       encode(Frame{FrameType::heartbeat, 0, {}}) +
                       encode(Frame{FrameType::body, 3, std::string(1000, 'b')});
    FrameReader reader;
    std::vector<Frame> frames;
    for (const char byte : bytes) {
        reader.feed({&byte, 1});
        while (auto frame = reader.next(4096)) frames.push_back(std::move(*frame));
    }
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[0].channel, 3);
    EXPECT_EQ(Reader(frames[0].payload).u32(), static_cast<std::uint32_t>(Method::basic_ack));
    EXPECT_EQ(frames[1].type, FrameType::heartbeat);
    EXPECT_EQ(frames[2].payload, std::string(1000, 'b'));
}

TEST(AmqpWire, RefusesWhatLies) {
    EXPECT_THROW(Reader("\x05"
                        "abc")
                     .shortstr(),
                 WireError);
    EXPECT_THROW(Reader(std::string_view("\xff\xff\xff\xff", 4)).longstr(), WireError);
    EXPECT_THROW(Reader(Writer().longstr("\x01k?").bytes()).table(), WireError);
    EXPECT_THROW(decode_content_header(encode({0, {}}) + "x"), WireError);
    FrameReader oversize;
    oversize.feed(encode(Frame{FrameType::body, 1, std::string(5000, 'b')}));
    EXPECT_THROW(static_cast<void>(oversize.next(4096)), WireError);
    FrameReader endless;
    auto bytes = encode(Frame{FrameType::body, 1, "b"});
    bytes.back() = 0;
    endless.feed(bytes);
    EXPECT_THROW(static_cast<void>(endless.next(4096)), WireError);
    // Its own recursion has an end.
    Table deep;
    for (int level = 0; level < 2000; ++level) {
        Table outer;
        outer.push_back({"t", std::move(deep)});
        deep = std::move(outer);
    }
    EXPECT_THROW(Reader(Writer().table(deep).bytes()).table(), WireError);
}

TEST(AmqpWire, KnowsTheNamesOfMethods) {
    EXPECT_EQ(name_of(Method::basic_publish), "basic.publish");
    EXPECT_EQ(method_named("channel.close"), Method::channel_close);
    EXPECT_THROW(static_cast<void>(method_named("basic.nonsense")), std::invalid_argument);
}

}  // namespace
}  // namespace rococo::messaging::tests::wire
