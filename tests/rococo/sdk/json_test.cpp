// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <rococo/json.hpp>
#include <rococo/service.hpp>
#include <rococo/testing.hpp>
#include <string>
#include <string_view>
#include <vector>

/// In another source of the same program, which includes nlohmann's header and nothing of ours.
double price_of(const nlohmann::json& order);

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
          std::string(R"({"price": 1e999})"), std::string("\xff"), std::string("\"\xC0\x80\""),
          std::string("\0", 1)}) {
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

/// Asks a const value for what is not there, in the way that the body says.
double ask(const rococo::Json& order, const std::string& how) {
    if (how == "key") return order["price"];
    if (how == "text key") return order[std::string("price")];
    if (how == "view key") return order[std::string_view("price")];
    if (how == "nested key") return order["total"]["price"];
    if (how == "index") return order["lines"][0];
    if (how == "at") return order.at("price");
    if (how == "type") return order["how"];
    if (how == "found") return *order.find("price");
    if (how == "elsewhere") return price_of(order);
    return 0;
}

class AskingProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        const auto order = rococo::json(message);
        ask(order, order.at("how"));
    }
};

/// A batch is processed in two steps, as where rows are written in one transaction.
class AskingBatchProcessor : public rococo::messaging::BaseBatchProcessor {
public:
    void process(rococo::messaging::Batch& batch) override {
        sizes_.push_back(batch.size());
        for (auto item : batch) {
            const auto order = rococo::json(item.message());
            if (order["how"] == "settled") item.dead_letter("settled");
            if (order["how"] == "later") throw rococo::RetryAfter{std::chrono::seconds(3)};
            ask(order, order.at("how"));
        }
        for (auto item : batch) done_.emplace_back(item.message().body());
    }
    std::vector<std::size_t> sizes_;
    std::vector<std::string> done_;
};

class AskingCronProcessor {
public:
    void process() const { ask(rococo::Json::object(), "key"); }
};

std::string order(const std::string& how) {
    return rococo::Json{
        {"how", how}, {"total", rococo::Json::object()}, {"lines", rococo::Json::array()}}
        .dump();
}

TEST(Json, WhatIsNotThereMakesADeadLetterThatNamesIt) {
    ProcessorTester<AskingProcessor> tester;
    for (const std::string how : {"key", "text key", "view key", "nested key", "at", "elsewhere"}) {
        const auto result = tester.process(order(how));
        EXPECT_EQ(result.outcome, Outcome::dead_letter) << how;
        EXPECT_NE(result.error.find("key 'price' not found"), std::string::npos) << result.error;
    }
    const auto index = tester.process(order("index"));
    EXPECT_EQ(index.outcome, Outcome::dead_letter);
    EXPECT_NE(index.error.find("array index 0 is out of range"), std::string::npos) << index.error;
    const auto type = tester.process(order("type"));
    EXPECT_EQ(type.outcome, Outcome::dead_letter);
    EXPECT_NE(type.error.find("type must be number, but is string"), std::string::npos)
        << type.error;
    const auto found = tester.process(order("found"));
    EXPECT_EQ(found.outcome, Outcome::dead_letter);
    EXPECT_TRUE(found.error.starts_with("the JSON does not hold what was asked")) << found.error;
    EXPECT_EQ(tester.process("{}").outcome, Outcome::dead_letter);
    EXPECT_EQ(tester.process("[]").outcome, Outcome::dead_letter);
    EXPECT_EQ(tester.process(order("nothing")).outcome, Outcome::ack);
}

TEST(Json, ABatchLosesOnlyTheMessageThatIsToBlame) {
    ProcessorTester<AskingBatchProcessor> tester;
    const auto results = tester.process_batch({{order("nothing")},
                                               {order("settled")},
                                               {order("key")},
                                               {"not JSON"},
                                               {order("later")},
                                               {order("nothing")}});
    EXPECT_EQ(results[0].outcome, Outcome::ack);
    EXPECT_EQ(results[1].outcome, Outcome::dead_letter);
    EXPECT_EQ(results[1].error, "settled");
    EXPECT_EQ(results[2].outcome, Outcome::dead_letter);
    EXPECT_NE(results[2].error.find("'price'"), std::string::npos) << results[2].error;
    EXPECT_EQ(results[3].outcome, Outcome::dead_letter);
    EXPECT_TRUE(results[3].error.starts_with("the body is not JSON")) << results[3].error;
    EXPECT_EQ(results[4].outcome, Outcome::retry_after);
    EXPECT_EQ(results[5].outcome, Outcome::ack);
    EXPECT_EQ(tester.processor().sizes_, (std::vector<std::size_t>{6, 1, 1, 1, 1, 1}))
        << "once together, then each that was not settled";
    EXPECT_EQ(tester.processor().done_,
              (std::vector<std::string>{order("nothing"), order("nothing")}));
}

TEST(Json, ABatchOfOneIsNotHandedOverTwice) {
    ProcessorTester<AskingBatchProcessor> tester;
    EXPECT_EQ(tester.process(order("key")).outcome, Outcome::dead_letter);
    EXPECT_EQ(tester.processor().sizes_, std::vector<std::size_t>{1});
}

TEST(Json, ARunOfAScheduleFailsForGoodToo) {
    ProcessorTester<AskingCronProcessor> tester;
    const auto result = tester.run();
    EXPECT_EQ(result.outcome, Outcome::dead_letter);
    EXPECT_NE(result.error.find("key 'price' not found"), std::string::npos) << result.error;
}

}  // namespace
