// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iostream>

namespace rococo::svchost {
namespace {

using testing::ExitedWithCode;

// All of these change the process, so each runs in a child of its own.

/// Ends the child: with 0 if all is as expected.
[[noreturn]] void end(bool as_expected) { ::_exit(as_expected ? 0 : 1); }

/// A pipe of the child's.
struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        if (::pipe(ends.data()) != 0) end(false);
        out = ends[0];
        in = ends[1];
    }
    int out = -1;
    int in = -1;
};

TEST(PrepareProcess, OpensTheStandardStreamsThatAreClosed) {
    EXPECT_EXIT(
        {
            for (const int descriptor : {0, 1, 2}) ::close(descriptor);
            prepare_process();
            bool open = true;
            for (const int descriptor : {0, 1, 2})
                open = open && ::fcntl(descriptor, F_GETFD) == 0;  // inheritable
            // What is opened next would otherwise be printed to.
            end(open && ::open("/dev/null", O_RDONLY | O_CLOEXEC) > 2 && ::write(1, "x", 1) == 1);
        },
        ExitedWithCode(0), "");
}

TEST(PrepareProcess, LeavesOpenStreamsAlone) {
    EXPECT_EXIT(
        {
            const Pipe pipe;
            ::dup2(pipe.in, STDOUT_FILENO);
            ::close(STDIN_FILENO);
            prepare_process();
            char read = 0;
            end(::write(STDOUT_FILENO, "x", 1) == 1 && ::read(pipe.out, &read, 1) == 1 &&
                read == 'x');
        },
        ExitedWithCode(0), "");
}

TEST(PrepareProcess, WritingToAReaderThatIsGoneIsAnErrorAndNotTheEnd) {
    EXPECT_EXIT(
        {
            prepare_process();
            const Pipe pipe;
            ::close(pipe.out);
            end(::write(pipe.in, "x", 1) == -1 && errno == EPIPE);
        },
        ExitedWithCode(0), "");
}

TEST(PrepareProcess, ProgramsThatAreExecutedStillEndByASignal) {
    EXPECT_EXIT(
        {
            prepare_process();
            // NOLINTNEXTLINE(cert-env33-c,concurrency-mt-unsafe)
            const int status = std::system("kill -PIPE $$");
            end(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
        },
        ExitedWithCode(0), "");
}

TEST(PrepareProcess, ASignalThatWasIgnoredStaysIgnored) {
    EXPECT_EXIT(
        {
            std::signal(SIGPIPE, SIG_IGN);
            prepare_process();
            end(std::signal(SIGPIPE, SIG_IGN) == SIG_IGN);
        },
        ExitedWithCode(0), "");
}

TEST(FinishStandardOutput, AFullDiskIsAFailureThatIsSaid) {
    EXPECT_EXIT(
        {
            ::dup2(::open("/dev/full", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
            std::cout << "a result";
            end(!finish_standard_output());
        },
        ExitedWithCode(0), "svchost: cannot write to standard output: No space left on device");
}

TEST(FinishStandardOutput, AReaderThatHasSeenEnoughIsNone) {
    EXPECT_EXIT(
        {
            prepare_process();
            const Pipe pipe;
            ::dup2(pipe.in, STDOUT_FILENO);
            ::close(pipe.in);
            ::close(pipe.out);
            std::cout << "a result";
            end(finish_standard_output());
        },
        ExitedWithCode(0), "^$");
}

TEST(FinishStandardOutput, WhatIsWrittenIsFine) { EXPECT_TRUE(finish_standard_output()); }

}  // namespace
}  // namespace rococo::svchost
