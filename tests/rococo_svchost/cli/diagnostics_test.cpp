// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "terminal.hpp"

namespace rococo::svchost::cli {
namespace {

TEST(Diagnostics, AnErrorKeepsItsLinesAndDecidesTheExitCode) {
    testing::internal::CaptureStderr();
    const int code = print_error({ErrorKind::configuration, "MAX_ATTEMPTS=x\nSTATE_DIR=y"});
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "svchost: MAX_ATTEMPTS=x\nSTATE_DIR=y\n");
    EXPECT_EQ(code, 78);
}

TEST(Diagnostics, AWarningIsOneLine) {
    testing::internal::CaptureStderr();
    print_warning("queue a\nb did not exist");
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "svchost: warning: queue a\\nb did not exist\n");
}

TEST(Diagnostics, WhatAMessageRepeatsCannotControlTheTerminal) {
    testing::internal::CaptureStderr();
    print_error({ErrorKind::usage, "there is no folder \x1b[2J\x07"});
    const std::string printed = testing::internal::GetCapturedStderr();
    EXPECT_EQ(printed.find('\x1b'), std::string::npos) << printed;
    EXPECT_EQ(printed.find('\x07'), std::string::npos) << printed;
}

}  // namespace
}  // namespace rococo::svchost::cli
