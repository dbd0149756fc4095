// SPDX-License-Identifier: MIT
#include "rococo/base/process_table.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace rococo {
namespace {

TEST(ProcessTable, KnowsParentAndNameOfAProcessWithAnOddName) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NAME, "a) R 1 (b");
        while (true) ::pause();
    }
    // Its name is set at some time.
    while (process_table()[child].name != "a) R 1 (b") ::usleep(1000);
    EXPECT_EQ(process_table()[child].parent, ::getpid());
    ::kill(child, SIGKILL);
    siginfo_t ended{};
    ::waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT);
    EXPECT_EQ(process_table()[child].state, 'Z');
    ::waitpid(child, nullptr, 0);
    EXPECT_FALSE(process_table().contains(child));
}

}  // namespace
}  // namespace rococo
