// SPDX-License-Identifier: MIT
#include "rococo/base/failpoint.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "support/temporary_folder.hpp"

namespace {

/// What becomes of a child that passes `place` so many times with this environment: its wait
/// status. It ends with 0 where nothing else happens.
int pass(const std::string& environment, int times, int wait_flags = 0) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::setenv("ROCOCO_FAILPOINTS", environment.c_str(), 1);
        for (int i = 0; i < times; ++i) ROCOCO_FAILPOINT("place");
        ::_exit(0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, wait_flags), child);
    if (WIFSTOPPED(status)) {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    return status;
}

bool ended_with(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }

TEST(Failpoint, DoesNothingUnlessArmed) {
    EXPECT_TRUE(ended_with(pass("", 3), 0));
    EXPECT_TRUE(ended_with(pass("other=kill", 3), 0));
}

TEST(Failpoint, KillsAtThePassingThatWasAskedFor) {
    EXPECT_TRUE(ended_with(pass("place=kill@3", 2), 0));
    const int status = pass("other=exit:1;place=kill@3", 3);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

TEST(Failpoint, ExitsWithTheCode) { EXPECT_TRUE(ended_with(pass("place=exit:7", 1), 7)); }

TEST(Failpoint, StopsTheProcess) {
    const int status = pass("place=stop", 1, WUNTRACED);
    EXPECT_TRUE(WIFSTOPPED(status));
}

TEST(Failpoint, SleepsAtEachPassing) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(ended_with(pass("place=sleep:50", 2), 0));
    EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(100));
}

TEST(Failpoint, TouchesAFileAndThenDoesWhatIsNext) {
    const rococo::tests::TemporaryFolder folder;
    const auto file = folder.path() / "with@1";  // the last @ with a number counts
    EXPECT_TRUE(ended_with(pass("place=touch:" + file.string() + "@1;place=exit:5", 1), 5));
    EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(Failpoint, RefusesWhatItDoesNotKnow) {
    for (const char* wrong :
         {"place=die", "place", "=kill", "place=exit", "place=exit:x", "place=sleep:-1",
          "place=touch:", "place=kill@", "place=kill@-1", "other=die"}) {
        EXPECT_TRUE(ended_with(pass(wrong, 1), 78)) << wrong;
    }
}

}  // namespace
