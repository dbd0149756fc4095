// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "exit_codes.hpp"

namespace rococo::svchost::command {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(ExitCodes, ZeroIsDoneBadDataIsADeadLetterAndEveryOtherATryMore) {
    const ExitCodes codes;
    for (int code = 0; code <= 255; ++code)
        EXPECT_EQ(codes.of(code), code == 0    ? Verdict::ack
                                  : code == 65 ? Verdict::dead_letter
                                               : Verdict::retry)
            << code;
}

TEST(ExitCodes, OthersCanBeGivenAMeaning) {
    const auto codes = ExitCodes::parse(" 3=dead-letter, 4 = ack,65=retry,255=dead-letter ");
    ASSERT_TRUE(codes) << codes.error().message;
    EXPECT_EQ(codes->of(3), Verdict::dead_letter);
    EXPECT_EQ(codes->of(4), Verdict::ack);
    EXPECT_EQ(codes->of(65), Verdict::retry);
    EXPECT_EQ(codes->of(255), Verdict::dead_letter);
    EXPECT_EQ(codes->of(0), Verdict::ack);
    EXPECT_TRUE(ExitCodes::parse(""));
}

TEST(ExitCodes, WhatCannotBeReadIsToldWithWhatIsAllowed) {
    for (const char* const wrong : {"3", "=ack", "a=ack", "3=", "3=reject", "256=ack", "-1=ack",
                                    "0=retry", "3=ack,3=ack", "3=ack,", ","}) {
        const auto codes = ExitCodes::parse(wrong);
        ASSERT_FALSE(codes) << wrong;
        EXPECT_EQ(codes.error().kind, ErrorKind::configuration);
        EXPECT_THAT(codes.error().message,
                    AllOf(HasSubstr("PROCESSOR_EXIT_CODES=" + std::string(wrong)),
                          HasSubstr("3=dead-letter,4=retry,5=ack")));
    }
}

}  // namespace
}  // namespace rococo::svchost::command
