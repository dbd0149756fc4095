// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <rococo/service.hpp>
#include <rococo/testing.hpp>
#include <stdexcept>
#include <string>

namespace {

using namespace std::chrono_literals;
using rococo::testing::Outcome;
using rococo::testing::ProcessorTester;

class SettlingProcessor : public rococo::messaging::BaseBatchProcessor {
public:
    void process(rococo::messaging::Batch& batch) override {
        sizes_.push_back(batch.size());
        for (auto item : batch) {
            const std::string body(item.message().body());
            if (body == "fail") item.fail("failed");
            if (body == "retry") item.retry_after(2s, "later");
            if (body == "bury") item.dead_letter("buried");
            if (body == "ack") item.ack();
            if (body == "throw") throw std::runtime_error("thrown");
            if (body == "context") context().send_message("q", body);
        }
    }
    std::vector<std::size_t> sizes_;
};

TEST(Batch, ComesInOneCallAndSettlesEachMessage) {
    ProcessorTester<SettlingProcessor> tester;
    const auto results =
        tester.process_batch({{"fail"}, {"retry"}, {"bury"}, {"ack"}, {"left alone"}});

    EXPECT_EQ(tester.processor().sizes_, std::vector<std::size_t>{5});
    ASSERT_EQ(results.size(), 5U);
    EXPECT_EQ(results[0].outcome, Outcome::retry);
    EXPECT_EQ(results[0].error, "failed");
    EXPECT_EQ(results[1].outcome, Outcome::retry_after);
    EXPECT_EQ(results[1].delay, 2s);
    EXPECT_EQ(results[2].outcome, Outcome::dead_letter);
    EXPECT_EQ(results[3].outcome, Outcome::ack);
    EXPECT_EQ(results[4].outcome, Outcome::ack);
}

TEST(Batch, AnExceptionIsTheOutcomeOfAllThatWasNotSettled) {
    ProcessorTester<SettlingProcessor> tester;
    const auto results = tester.process_batch({{"ack"}, {"bury"}, {"throw"}, {"never seen"}});
    EXPECT_EQ(results[0].outcome, Outcome::ack);
    EXPECT_EQ(results[1].outcome, Outcome::dead_letter);
    EXPECT_EQ(results[2].outcome, Outcome::retry);
    EXPECT_EQ(results[3].outcome, Outcome::retry);
    EXPECT_EQ(results[3].error, "thrown");
}

TEST(Batch, ASingleMessageIsABatchOfOne) {
    ProcessorTester<SettlingProcessor> tester;
    EXPECT_EQ(tester.process("bury").outcome, Outcome::dead_letter);
    EXPECT_EQ(tester.processor().sizes_, std::vector<std::size_t>{1});
}

TEST(Batch, HasAContext) {
    ProcessorTester<SettlingProcessor> tester;
    EXPECT_EQ(tester.process("context").outcome, Outcome::ack);
    EXPECT_EQ(tester.sent().size(), 1U);
}

}  // namespace
