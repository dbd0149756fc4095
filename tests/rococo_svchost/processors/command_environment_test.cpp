// SPDX-License-Identifier: MIT
// What a program finds in its environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "message_environment.hpp"
#include "support/environment_variable.hpp"
#include "support/fake_delivery.hpp"

namespace rococo::svchost::command {
namespace {

using namespace std::string_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using testing::UnorderedElementsAre;
using tests::FakeDelivery;

constexpr SystemTime kTime{std::chrono::microseconds(1'796'083'200'250'000)};

TEST(MessageEnvironment, HasWhatTheMessageHas) {
    const FakeDelivery delivery({.id = "7",
                                 .queue = "orders",
                                 .content_type = "application/json",
                                 .correlation_id = "c",
                                 .headers = {{"tenant", "blue"}, {"x-Ünï.2", ""}},
                                 .sent_at = kTime});
    EXPECT_THAT(
        environment_of(delivery, 2, kTime).variables,
        UnorderedElementsAre("ROCOCO_MESSAGE_ID=7", "ROCOCO_ATTEMPT=2", "ROCOCO_QUEUE=orders",
                             "ROCOCO_CORRELATION_ID=c", "ROCOCO_CONTENT_TYPE=application/json",
                             "ROCOCO_SENT_AT=2026-12-01T00:00:00.250000Z",
                             "ROCOCO_DEADLINE=2026-12-01T00:00:00.250000Z",
                             R"(ROCOCO_HEADERS={"tenant":"blue","x-Ünï.2":""})",
                             "ROCOCO_HEADER_TENANT=blue", "ROCOCO_HEADER_X___N___2="));
}

TEST(MessageEnvironment, HasNothingThatTheMessageHasNot) {
    EXPECT_THAT(
        environment_of(FakeDelivery({}), 1, std::nullopt).variables,
        UnorderedElementsAre("ROCOCO_ATTEMPT=1", "ROCOCO_QUEUE=queue", "ROCOCO_HEADERS={}"));
}

TEST(MessageEnvironment, NoHeaderBecomesAVariableThatOthersRead) {
    const FakeDelivery delivery(
        {.headers = {{"LD_PRELOAD", "evil.so"}, {"PATH=x\nLD_PRELOAD", "1"}}});
    for (const std::string& variable : environment_of(delivery, 1, std::nullopt).variables)
        EXPECT_THAT(variable, StartsWith("ROCOCO_"));
}

TEST(MessageEnvironment, OfTwoHeadersThatBecomeOneTheFirstCounts) {
    const FakeDelivery delivery({.headers = {{"a-b", "first"}, {"A_B", "second"}}});
    const auto found = environment_of(delivery, 1, std::nullopt);
    EXPECT_THAT(found.variables, Contains("ROCOCO_HEADER_A_B=first"));
    EXPECT_THAT(found.variables, Not(Contains("ROCOCO_HEADER_A_B=second")));
    EXPECT_THAT(found.left_out, IsEmpty());
}

TEST(MessageEnvironment, WhatFitsIntoNoEnvironmentIsLeftOut) {
    const FakeDelivery delivery(
        {.headers = {{"nul", "a\0b"s}, {"long", std::string(131'072, 'x')}}});
    const auto found = environment_of(delivery, 1, std::nullopt);
    EXPECT_THAT(found.variables, Not(Contains(StartsWith("ROCOCO_HEADER_"))));
    EXPECT_THAT(found.left_out,
                ElementsAre("ROCOCO_HEADERS", "ROCOCO_HEADER_NUL", "ROCOCO_HEADER_LONG"));
}

TEST(MessageEnvironment, AllTogetherFit) {
    tests::FakeMessage message;
    for (int i = 0; i < 100; ++i)
        message.headers.emplace_back("h" + std::to_string(i), std::string(100'000, 'x'));
    const auto found = environment_of(FakeDelivery(message), 1, std::nullopt);
    std::size_t bytes = 0;
    for (const std::string& variable : found.variables) bytes += variable.size();
    EXPECT_LT(bytes, std::size_t{512} * 1024);
    EXPECT_THAT(found.variables, Contains(StartsWith("ROCOCO_HEADER_H0=")));
    EXPECT_THAT(found.left_out, Contains("ROCOCO_HEADER_H99"));
}

TEST(MessageEnvironment, ARunHasItsTime) {
    EXPECT_THAT(environment_of_run(kTime, 3, std::nullopt).variables,
                UnorderedElementsAre("ROCOCO_SCHEDULED_AT=2026-12-01T00:00:00.250000Z",
                                     "ROCOCO_ATTEMPT=3"));
}

TEST(MessageEnvironment, WhatAHostAroundUsSaidOfItsMessageIsForgotten) {
    const tests::EnvironmentVariable id("ROCOCO_MESSAGE_ID", "outer");
    const tests::EnvironmentVariable header("ROCOCO_HEADER_TENANT", "outer");
    const tests::EnvironmentVariable own("ROCOCO_OF_THE_USER", "kept");
    forget_messages_of_others();
    EXPECT_EQ(std::getenv("ROCOCO_MESSAGE_ID"), nullptr);
    EXPECT_EQ(std::getenv("ROCOCO_HEADER_TENANT"), nullptr);
    EXPECT_STREQ(std::getenv("ROCOCO_OF_THE_USER"), "kept");
}

}  // namespace
}  // namespace rococo::svchost::command
