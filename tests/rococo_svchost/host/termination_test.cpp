// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/termination.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using testing::ExitedWithCode;
using testing::KilledBySignal;

// Signals are the whole process's, so each test runs in a child of its own.

/// Counts the calls in `argument`, an int.
void count(void* argument) { ++*static_cast<int*>(argument); }

[[noreturn]] void end(bool as_expected) { ::_exit(as_expected ? 0 : 1); }

TEST(Termination, EachSignalAsksForAnEnd) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        EXPECT_EXIT(
            {
                int calls = 0;
                const Termination termination(&count, &calls);
                ::raise(signal);
                end(calls == 1);
            },
            ExitedWithCode(0), "");
    }
}

TEST(Termination, ASecondSignalEndsTheProcess) {
    EXPECT_EXIT(
        {
            int calls = 0;
            const Termination termination(&count, &calls);
            ::raise(SIGTERM);
            std::this_thread::sleep_for(1100ms);  // so that it is not the same one
            ::raise(SIGINT);
            end(false);
        },
        ExitedWithCode(128 + SIGINT), "");
}

/// Whether the child ends with 0. "Twice" is within a second: if the machine stood still for that
/// long, it is asked again.
bool holds_within_a_second(void (*child)()) {
    while (true) {
        const auto before = std::chrono::steady_clock::now();
        const pid_t process = ::fork();
        if (process == 0) {
            child();
            end(false);
        }
        int status = 0;
        if (::waitpid(process, &status, 0) != process) return false;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return true;
        if (std::chrono::steady_clock::now() - before < 1s) return false;
    }
}

TEST(Termination, ASignalThatIsSentTwiceIsOne) {
    EXPECT_TRUE(holds_within_a_second([] {
        int calls = 0;
        const Termination termination(&count, &calls);
        ::raise(SIGTERM);
        ::raise(SIGTERM);
        ::raise(SIGINT);
        end(calls == 1);
    }));
}

TEST(Termination, HangingUpIsNeverTheSecondSignal) {
    EXPECT_EXIT(
        {
            int calls = 0;
            const Termination termination(&count, &calls);
            ::raise(SIGHUP);
            ::raise(SIGTERM);  // the first that counts
            std::this_thread::sleep_for(1100ms);
            ::raise(SIGHUP);
            end(calls == 3);
        },
        ExitedWithCode(0), "");
}

TEST(Termination, UnderNohupHangingUpIsIgnored) {
    EXPECT_EXIT(
        {
            std::signal(SIGHUP, SIG_IGN);
            int calls = 0;
            const Termination termination(&count, &calls);
            ::raise(SIGHUP);
            end(calls == 0);
        },
        ExitedWithCode(0), "");
}

TEST(Termination, AfterTheRunASignalEndsTheProcess) {
    EXPECT_EXIT(
        {
            int calls = 0;
            { const Termination termination(&count, &calls); }
            ::raise(SIGTERM);
            end(false);
        },
        ExitedWithCode(128 + SIGTERM), "");
}

TEST(Termination, AfterTheRunADuplicateOfItsSignalDoesNothing) {
    EXPECT_TRUE(holds_within_a_second([] {
        int calls = 0;
        {
            const Termination termination(&count, &calls);
            ::raise(SIGTERM);
        }
        ::raise(SIGTERM);
        end(calls == 1);
    }));
}

TEST(EndProcess1BySignals, IsForProcess1Only) {
    EXPECT_EXIT(
        {
            end_process_1_by_signals();
            ::raise(SIGTERM);
            end(false);
        },
        KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace rococo::svchost
