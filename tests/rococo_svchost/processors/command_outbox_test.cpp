// SPDX-License-Identifier: MIT
// What programs may write to descriptor 3.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <vector>

#include "outbox.hpp"

namespace rococo::svchost::command {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

TEST(Outbox, HoldsMessagesInTheirOrder) {
    const auto read = read_outbox(R"(
{"send":{"queue":"b","body":{"z":1,"a":[true,null]}}}
{"send":{"queue":"a","body":"text","id":"7","correlation_id":"c","content_type":"text/plain","content_encoding":"gzip","reply_to":"r","type":"t","headers":{"one":"1","two":2}}}

{"send":{"queue":"a","body_base64":"AP8="}})");
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->messages.size(), 3U);
    EXPECT_EQ(read->messages[0].queue, "b");
    EXPECT_EQ(read->messages[0].message.body, R"({"z":1,"a":[true,null]})");
    EXPECT_EQ(read->messages[0].message.content_type, "application/json");
    const messaging::OutgoingMessage& second = read->messages[1].message;
    EXPECT_EQ(second.body, R"("text")");
    EXPECT_EQ(second.id + second.correlation_id + second.content_type + second.content_encoding +
                  second.reply_to + second.type,
              "7ctext/plaingziprt");
    EXPECT_THAT(second.headers, testing::ElementsAre(Pair("one", "1"), Pair("two", "2")));
    EXPECT_EQ(read->messages[2].message.body, "\0\xFF"s);
    EXPECT_FALSE(read->retry_after);
}

TEST(Outbox, SaysWhenToComeAgain) {
    EXPECT_EQ(read_outbox(R"({"retry_after":"1m30s"})")->retry_after, 90s);
    EXPECT_EQ(read_outbox("{\"retry_after\":2}\n{\"retry_after\":0.5}\n")->retry_after, 500ms);
}

TEST(Outbox, ALineThatIsNoneOfTheseIsRefusedByItsNumber) {
    const auto why = [](const std::string& line) {
        const auto read = read_outbox("\n" + line + "\n{\"retry_after\":1}");
        EXPECT_FALSE(read) << line;
        return read ? "" : read.error().message;
    };
    for (const char* const line : {"hello", "7", "[]", "{}", R"({"send":)", R"({"sent":{}})",
                                   R"({"send":{"queue":"q","body":1},"retry_after":1})"})
        EXPECT_THAT(why(line), HasSubstr("line 2 of descriptor 3: it is neither")) << line;
    EXPECT_THAT(why(R"({"retry_after":"soon"})"), HasSubstr("no duration"));
    EXPECT_THAT(why(R"({"retry_after":-1})"), HasSubstr("no duration"));
    EXPECT_THAT(why(R"({"send":[]})"), HasSubstr("no object"));
    EXPECT_THAT(why(R"({"send":{"body":1}})"), HasSubstr("names its \"queue\""));
    EXPECT_THAT(why(R"({"send":{"queue":"q"}})"), HasSubstr("either \"body\" or \"body_base64\""));
    EXPECT_THAT(why(R"({"send":{"queue":"q","body":1,"body_base64":""}})"), HasSubstr("either"));
    EXPECT_THAT(why(R"({"send":{"queue":7,"body":1}})"), HasSubstr("\"queue\" is no text"));
    EXPECT_THAT(why(R"({"send":{"queue":"q","body_base64":"a"}})"), HasSubstr("no base64"));
    EXPECT_THAT(why(R"({"send":{"queue":"q","body":1,"headers":7}})"), HasSubstr("no object"));
    EXPECT_THAT(why(R"({"send":{"queue":"q","body":1,"quue":"x"}})"),
                HasSubstr("\"quue\" is nothing"));
}

TEST(Outbox, IsAppendedToByEverybodyWhoHasIt) {
    const Outbox outbox;
    ASSERT_GE(outbox.descriptor(), 0);
    EXPECT_THAT(outbox.contents()->messages, IsEmpty());
    const std::string line = "{\"retry_after\":1}\n";
    ASSERT_EQ(::write(outbox.descriptor(), line.data(), line.size()), line.size());
    ::lseek(outbox.descriptor(), 0, SEEK_SET);
    const std::string send = R"({"send":{"queue":"q","body":1}})";
    ASSERT_EQ(::write(outbox.descriptor(), send.data(), send.size()), send.size());
    const auto contents = outbox.contents();
    ASSERT_TRUE(contents) << contents.error().message;
    EXPECT_EQ(contents->retry_after, 1s);
    EXPECT_EQ(contents->messages.size(), 1U);
}

}  // namespace
}  // namespace rococo::svchost::command
