// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <thread>

#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::HasSubstr;

class CrashHandlerTest : public testing::Test {
protected:
    struct Death {
        int status = 0;
        std::string words;  // on standard error
    };

    std::unique_ptr<CrashNotes> open() {
        auto notes = CrashNotes::open(folder_.path(), "orders", {.workers = 3, .max_batch = 1},
                                      clock_, log_.logger());
        EXPECT_TRUE(notes);
        return notes ? std::move(*notes) : nullptr;
    }

    /// A process in which worker 1 has message 11 and does this, while worker 2 has message 12.
    Death of(const std::function<void()>& deed) {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            const rlimit none{0, 0};
            ::setrlimit(RLIMIT_CORE, &none);
            ::dup2(ends[1], 2);
            ::close(ends[0]);
            ::close(ends[1]);
            die(deed);
        }
        ::close(ends[1]);
        Death death;
        std::array<char, 4096> part{};
        for (ssize_t got = 0; (got = ::read(ends[0], part.data(), part.size())) > 0;) {
            death.words.append(part.data(), static_cast<std::size_t>(got));
        }
        ::close(ends[0]);
        EXPECT_EQ(::waitpid(child, &death.status, 0), child);
        return death;
    }

    [[noreturn]] void die(const std::function<void()>& deed) {
        const auto notes = open();
        const CrashHandler handler(notes.get());
        const tests::FakeDelivery eleven({.id = "eleven"});
        std::latch begun(1);
        const std::thread other([&] {
            const CrashableThread named(2);
            const MessageIdentity identity = 12;
            notes->begin(2, std::span(&identity, 1));
            begun.count_down();
            while (true) ::pause();
        });
        begun.wait();
        std::thread([&] {
            const CrashableThread named(1);
            const MessageIdentity identity = 11;
            const messaging::Delivery* const delivery = &eleven;
            notes->begin(1, std::span(&identity, 1), std::span(&delivery, 1));
            deed();
        }).join();
        ::_exit(0);
    }

    void expect_charged(std::uint32_t eleven, std::uint32_t twelve) {
        const auto notes = open();
        EXPECT_EQ(notes->record(11).crashes, eleven);
        EXPECT_EQ(notes->record(12).crashes, twelve);
    }

    tests::TemporaryFolder folder_;
    tests::ManualClock clock_;
    tests::RecordedLog log_;
};

// NOLINTNEXTLINE(misc-no-recursion): endless, as far as a stack goes
int overflow(int depth) {
    volatile char frame[1'000] = {};  // NOLINT(modernize-avoid-c-arrays)
    frame[0] = static_cast<char>(depth);
    return depth == 1'000'000'000 ? frame[0] : overflow(depth + 1) + frame[0];
}

TEST_F(CrashHandlerTest, NamesAnExceptionThatNobodyCatches) {
    const Death death = of([] { std::terminate(); });
    EXPECT_EQ(WTERMSIG(death.status), SIGABRT);
    EXPECT_THAT(death.words, HasSubstr("svchost: SIGABRT in worker 1"));
    expect_charged(1, 0);
}

#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // they end by an exit of theirs
TEST_F(CrashHandlerTest, NamesTheWorkerAndDiesByTheSameSignal) {
    const Death death = of([] { ::raise(SIGSEGV); });
    EXPECT_TRUE(WIFSIGNALED(death.status));
    EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
    EXPECT_THAT(death.words, HasSubstr("svchost: SIGSEGV in worker 1 with message eleven\n"));
    expect_charged(1, 0);
}

TEST_F(CrashHandlerTest, NamesABadInstructionWithItsStack) {
    const Death death = of([] {
        volatile int* volatile nowhere = nullptr;
        *nowhere = 1;
    });
    EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
    EXPECT_THAT(death.words, HasSubstr("runtime_test"));  // frames
    expect_charged(1, 0);
}

TEST_F(CrashHandlerTest, NamesAStackThatIsUsedUp) {
    const Death death = of([] { overflow(1); });
    EXPECT_EQ(WTERMSIG(death.status), SIGSEGV);
    EXPECT_THAT(death.words, HasSubstr("svchost: SIGSEGV in worker 1"));
    expect_charged(1, 0);
}
#endif

TEST_F(CrashHandlerTest, NamesACallOfExitAndEndsWith70) {
    const Death death = of([] { std::exit(0); });
    EXPECT_TRUE(WIFEXITED(death.status));
    EXPECT_EQ(WEXITSTATUS(death.status), 70);
    EXPECT_THAT(death.words, HasSubstr("svchost: exit() was called in worker 1"));
    expect_charged(1, 0);
}

TEST_F(CrashHandlerTest, CannotNameWhatEndsWithoutAWord) {
    EXPECT_EQ(WEXITSTATUS(of([] { ::_exit(3); }).status), 3);
    expect_charged(0, 0);
    EXPECT_TRUE(open()->record(11).alone);
    EXPECT_TRUE(open()->record(12).alone);
}

TEST_F(CrashHandlerTest, BlamesNobodyForASignalFromOutside) {
    // A watchdog's SIGABRT hits whatever thread the kernel likes.
    const Death death = of([] {
        ::kill(::getpid(), SIGABRT);
        while (true) ::pause();
    });
    EXPECT_EQ(WTERMSIG(death.status), SIGABRT);
    expect_charged(0, 0);
}

TEST_F(CrashHandlerTest, LeavesAChildOfTheServiceAlone) {
    const Death death = of([] {
        const pid_t child = ::fork();
        if (child == 0) ::raise(SIGABRT);
        int status = 0;
        ::waitpid(child, &status, 0);
        if (WTERMSIG(status) != SIGABRT) ::_exit(9);
        ::raise(SIGKILL);
    });
    EXPECT_EQ(WTERMSIG(death.status), SIGKILL);
    EXPECT_EQ(death.words, "");
    expect_charged(0, 0);
}

}  // namespace
}  // namespace rococo::svchost
