// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <rococo/json.hpp>
#include <rococo/service.hpp>
#include <rococo/testing.hpp>
#include <string>

namespace {

using rococo::testing::Outcome;
using rococo::testing::ProcessorTester;

class JsonProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        parsed_ = rococo::json(message);
        if (parsed_.is_object() && parsed_.contains("answer to")) {
            context().send_message("answers", rococo::Json{{"ok", true}});
        }
    }
    rococo::Json parsed_;
};

std::string nested(int depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST(Json, IsOneCallAway) {
    ProcessorTester<JsonProcessor> tester;
    EXPECT_EQ(tester.process(R"({"id": 7})").outcome, Outcome::ack);
    EXPECT_EQ(tester.processor().parsed_.at("id"), 7);
}

TEST(Json, ABodyThatIsNotJsonIsAPermanentError) {
    ProcessorTester<JsonProcessor> tester;
    for (const std::string& body :
         {std::string(), std::string("not JSON"), std::string("{"), std::string("{} {}"),
          std::string("\xff"), std::string("\"\xC0\x80\""), std::string("\0", 1)}) {
        const auto result = tester.process(body);
        EXPECT_EQ(result.outcome, Outcome::dead_letter) << body;
        EXPECT_TRUE(result.error.starts_with("the body is not JSON: ")) << result.error;
    }
}

TEST(Json, NestsUpTo512Levels) {
    ProcessorTester<JsonProcessor> tester;
    EXPECT_EQ(tester.process(nested(512)).outcome, Outcome::ack);
    const auto result = tester.process(nested(513));
    EXPECT_EQ(result.outcome, Outcome::dead_letter);
    EXPECT_EQ(result.error, "the body nests more than 512 levels deep");
}

TEST(Json, RefusesTheAbsurdlyDeepWithoutGrowingWithIt) {
    ProcessorTester<JsonProcessor> tester;
    EXPECT_EQ(tester.process(nested(100'000)).error, "the body nests more than 512 levels deep");
    std::string objects;
    for (int i = 0; i < 100'000; ++i) objects += R"({"a":)";
    EXPECT_EQ(tester.process(objects).error, "the body nests more than 512 levels deep");
}

TEST(Json, IsSentAsItDumps) {
    ProcessorTester<JsonProcessor> tester;
    tester.process(R"({"answer to": 1})");
    ASSERT_EQ(tester.sent().size(), 1U);
    EXPECT_EQ(tester.sent()[0].body, R"({"ok":true})");
    EXPECT_EQ(tester.sent()[0].content_type, "application/json");
}

// What a processor asks of the JSON itself, and does not find, may be mended in the data's source:
// it is retried like any other exception.
class DemandingProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        rococo::json(message).at("id").get<int>();
    }
};

TEST(Json, AMissingFieldIsAnOrdinaryFailure) {
    ProcessorTester<DemandingProcessor> tester;
    const auto result = tester.process("{}");
    EXPECT_EQ(result.outcome, Outcome::retry);
    EXPECT_NE(result.error.find("key 'id' not found"), std::string::npos) << result.error;
}

}  // namespace
