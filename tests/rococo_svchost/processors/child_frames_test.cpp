// SPDX-License-Identifier: MIT
// What goes between host and child, byte for byte, and what a child may not send.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "child_requests.hpp"
#include "frames.hpp"
#include "message_frames.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "support/fake_delivery.hpp"

namespace rococo::svchost::child {
namespace {

using namespace std::string_literals;
using tests::FakeDelivery;
using tests::FakeMessage;
using Json = nlohmann::json;

/// A socket that the test writes to, and a reader at its other end.
class FrameReaderTest : public testing::Test {
protected:
    FrameReaderTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        ours_ = FileDescriptor(ends[0]);
        childs_ = FileDescriptor(ends[1]);
    }
    void say(std::string_view bytes) const { ASSERT_TRUE(write_all(childs_, bytes)); }
    static std::string frame(std::uint8_t kind, const std::string& meta, const std::string& payload,
                             std::uint64_t seq) {
        std::string text;
        append_header(text, kind, meta.size(), payload.size(), seq);
        return text + meta + payload;
    }

    FileDescriptor ours_;
    FileDescriptor childs_;
    FrameReader reader_;
};

TEST_F(FrameReaderTest, AHeaderHasSixteenBytesInLittleEndian) {
    EXPECT_EQ(frame(2, "{}", "body", 0x0102), "\x06\0\0\0\x02\x02\0\0\x02\x01\0\0\0\0\0\0{}body"s);
}

TEST_F(FrameReaderTest, PutsTogetherWhatComesByteByByte) {
    const std::string all = frame(3, "", "", 7) + frame(4, R"({"a":1})", "text", 8);
    std::vector<std::string> seen;
    for (const char byte : all) {
        say({&byte, 1});
        EXPECT_TRUE(reader_.read(ours_.get()));
        const auto next = reader_.next();
        ASSERT_TRUE(next);
        if (*next) seen.push_back(std::string((*next)->meta) + std::string((*next)->payload));
    }
    EXPECT_THAT(seen, testing::ElementsAre("", R"({"a":1}text)"));
}

TEST_F(FrameReaderTest, GivesManyFramesOfOneRead) {
    std::string all;
    for (std::uint64_t seq = 1; seq <= 1000; ++seq) all += frame(3, "", "", seq);
    say(all);
    EXPECT_TRUE(reader_.read(ours_.get()));
    for (std::uint64_t seq = 1; seq <= 1000; ++seq) {
        const auto next = reader_.next();
        ASSERT_TRUE(next && *next);
        EXPECT_EQ((*next)->seq, seq);
    }
    EXPECT_FALSE(*reader_.next());
}

TEST_F(FrameReaderTest, SaysThatNoMoreWillCome) {
    say(frame(3, "", "", 1).substr(0, 10));
    childs_.close();
    reader_.read(ours_.get());
    EXPECT_FALSE(reader_.read(ours_.get()));
    EXPECT_FALSE(*reader_.next()) << "half a frame is none";
}

TEST_F(FrameReaderTest, RefusesWhatIsNoFrame) {
    say("Traceback (most recent call last):");
    EXPECT_TRUE(reader_.read(ours_.get()));
    const auto next = reader_.next();
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().message,
              "it sent what is no frame: 54 72 61 63 65 62 61 63 6b 20 28 6d 6f 73 74 20");
}

TEST_F(FrameReaderTest, RefusesMetadataThatIsLargerThanItsFrame) {
    std::string lie = frame(3, "abcd", "", 1);
    lie[0] = 2;
    say(lie);
    EXPECT_TRUE(reader_.read(ours_.get()));
    EXPECT_FALSE(reader_.next());
}

/// The metadata of one message, as the child gets it.
Json meta_of(const FakeMessage& message, std::uint32_t attempt = 1) {
    const FakeDelivery delivery(message);
    const messaging::Delivery* const pointer = &delivery;
    MessageFrames frames;
    std::string text;
    for (const iovec& part : frames.of_messages({&pointer, 1}, {&attempt, 1}, 9, false))
        text.append(static_cast<const char*>(part.iov_base), part.iov_len);
    const auto meta_size = static_cast<unsigned char>(text[5]);
    EXPECT_EQ(static_cast<unsigned char>(text[4]), 2 | kLastOfWindow);
    EXPECT_EQ(text.substr(kHeaderBytes + meta_size), message.body);
    if (meta_size == 0) return Json::object();
    return Json::parse(text.substr(kHeaderBytes, meta_size));
}

TEST(MessageFramesTest, AMessageThatSaysNothingHasNoMetadata) {
    EXPECT_EQ(meta_of({.id = "", .body = "x", .queue = ""}), Json::object());
}

TEST(MessageFramesTest, MetadataIsJsonWhateverTheMessageHas) {
    const Json meta = meta_of({.id = "a\"b\\c\n\x01",
                               .body = std::string("nul \0 inside", 12),
                               .queue = "orders",
                               .headers = {{"h", "caf\xc3\xa9"}, {"bad", "\xff"}, {"h", "2"}}},
                              3);
    EXPECT_EQ(meta.at("id"), "a\"b\\c\n\x01");
    EXPECT_EQ(meta.at("attempt"), 3);
    EXPECT_EQ(meta.at("headers"), Json::parse(R"([["h","café"],["bad","�"],["h","2"]])"));
}

TEST(MessageFramesTest, ABatchSaysHowManyItHas) {
    const FakeDelivery first({.id = "1"});
    const FakeDelivery second({.id = "2"});
    const std::array<const messaging::Delivery*, 2> both{&first, &second};
    const std::array<std::uint32_t, 2> attempts{1, 1};
    MessageFrames frames;
    std::string text;
    for (const iovec& part : frames.of_messages(both, attempts, 1, true))
        text.append(static_cast<const char*>(part.iov_base), part.iov_len);
    EXPECT_NE(text.find(R"("batch":2)"), std::string::npos);
    EXPECT_EQ(text.find(R"("batch":2)"), text.rfind(R"("batch":2)"));
}

TEST(SendRequestTest, APriorityIsOneThatAMessageCanHave) {
    const auto read = [](const std::string& priority) {
        const std::string meta = R"({"queue":"orders","priority":)" + priority + "}";
        return read_send_request({.kind = static_cast<std::uint8_t>(Report::send),
                                  .seq = 1,
                                  .meta = meta,
                                  .payload = "body"});
    };
    for (const char* good : {"0", "255"}) {
        const auto request = read(good);
        ASSERT_TRUE(request) << request.error().message;
        EXPECT_EQ(request->message.priority, std::stoi(good));
    }
    for (const char* bad : {"256", "-1", "65536", R"("high")"}) EXPECT_FALSE(read(bad)) << bad;
}

}  // namespace
}  // namespace rococo::svchost::child
