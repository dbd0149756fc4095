// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/file_leader_election.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "support/manual_clock.hpp"
#include "temporary_folder.hpp"
#include "test_support.hpp"
#include "wait_for.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

const RealClock kRealClock;

class FileLeader : public ::testing::Test {
protected:
    std::unique_ptr<FileLeaderElection> replica(const std::string& name) {
        auto opened = FileLeaderElection::open({.file = folder_.path() / "leader",
                                                .holder = name,
                                                .lease = 5s,
                                                .interval = 500ms,
                                                .clock = clock_});
        if (!opened) throw std::runtime_error(opened.error().message);
        return *std::move(opened);
    }

    TemporaryFolder folder_;
    tests::ManualClock clock_;
    const SystemTime noon_ = at("2026-11-24 12:00");
};

TEST_F(FileLeader, LetsOneOfTwoLead) {
    const auto a = replica("a");
    const auto b = replica("b");
    EXPECT_TRUE(*a->try_acquire());
    EXPECT_FALSE(*b->try_acquire());
    EXPECT_TRUE(*a->try_acquire());
    EXPECT_TRUE(*a->keep());
    EXPECT_FALSE(*b->keep());
    EXPECT_TRUE(*a->claim(noon_, noon_));
    EXPECT_FALSE(*b->claim(noon_, noon_));
}

TEST_F(FileLeader, IsSucceededAtOnceWhenItReleasesOrEnds) {
    auto a = replica("a");
    const auto b = replica("b");
    ASSERT_TRUE(*a->try_acquire());
    a->release();
    EXPECT_FALSE(*a->keep());
    EXPECT_TRUE(*b->try_acquire());
    b->release();
    ASSERT_TRUE(*a->try_acquire());
    a.reset();
    EXPECT_TRUE(*b->try_acquire());
}

TEST_F(FileLeader, IsSucceededWhenItIsSilentForLongerThanItsLease) {
    const auto a = replica("a");
    const auto b = replica("b");
    ASSERT_TRUE(*a->try_acquire());
    clock_.advance(4s);
    ASSERT_TRUE(*a->keep());
    clock_.advance(4s);
    EXPECT_FALSE(*b->try_acquire());
    clock_.advance(1s);
    EXPECT_TRUE(*b->try_acquire());
    // What the old leader finds when it wakes.
    EXPECT_FALSE(*a->claim(noon_, noon_));
    EXPECT_FALSE(*a->keep());
    EXPECT_FALSE(*a->try_acquire());
    EXPECT_TRUE(*b->claim(noon_, noon_));
}

TEST_F(FileLeader, LeadsOnWhenItWasSilentAndNobodyTookOver) {
    const auto a = replica("a");
    ASSERT_TRUE(*a->try_acquire());
    clock_.advance(60s);
    EXPECT_TRUE(*a->keep());
    EXPECT_TRUE(*a->claim(noon_, noon_));
}

TEST_F(FileLeader, ClaimsEachDueTimeOnceAcrossLeaders) {
    auto a = replica("a");
    const auto b = replica("b");
    ASSERT_TRUE(*a->try_acquire());
    EXPECT_FALSE(*a->last_claim());
    EXPECT_TRUE(*a->claim(noon_, noon_));
    EXPECT_FALSE(*a->claim(noon_, noon_));
    a.reset();
    ASSERT_TRUE(*b->try_acquire());
    EXPECT_EQ(*b->last_claim(), noon_);
    EXPECT_FALSE(*b->claim(noon_, noon_ + 1s));
    EXPECT_FALSE(*b->claim(noon_ - 10s, noon_ + 1s));
    EXPECT_TRUE(*b->claim(noon_ + 10s, noon_ + 10s));
}

TEST_F(FileLeader, ClaimsAgainWhatWasClaimedLaterThanIsBelieved) {
    const auto a = replica("a");
    ASSERT_TRUE(*a->try_acquire());
    ASSERT_TRUE(*a->claim(noon_ + 1h, noon_ + 1h));
    EXPECT_FALSE(*a->claim(noon_ + 10s, noon_ + 1h));
    EXPECT_TRUE(*a->claim(noon_ + 10s, noon_ + 10s));
    EXPECT_EQ(*a->last_claim(), noon_ + 10s);
    EXPECT_FALSE(*a->claim(noon_ + 10s, noon_ + 10s));
    EXPECT_TRUE(*a->claim(noon_, SystemTime::min())) << "none is believed";
}

TEST_F(FileLeader, IsForItsOwnerAloneAsAreFoldersMadeForIt) {
    namespace fs = std::filesystem;
    const auto file = folder_.path() / "made" / "here" / "leader";
    ASSERT_TRUE(FileLeaderElection::open({.file = file, .holder = "a", .clock = kRealClock}));
    EXPECT_EQ(fs::status(file).permissions(), fs::perms(0600));
    EXPECT_EQ(fs::status(file.parent_path()).permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(folder_.path() / "made").permissions(), fs::perms(0700));
    // One of an earlier version.
    std::ofstream(folder_.path() / "leader");
    fs::permissions(folder_.path() / "leader", fs::perms(0644));
    static_cast<void>(replica("a"));
    EXPECT_EQ(fs::status(folder_.path() / "leader").permissions(), fs::perms(0600));
}

/// Whoever can read the file can hold a lock on all of it.
TEST_F(FileLeader, DoesNotWaitForAReaderThatHoldsTheFileAndSaysSo) {
    const auto a = replica("a");
    ASSERT_TRUE(*a->try_acquire());
    const int reader = ::open((folder_.path() / "leader").c_str(), O_RDONLY | O_CLOEXEC);
    struct flock whole {};
    whole.l_type = F_RDLCK;
    // All but what the leader holds: that byte is its own.
    whole.l_whence = SEEK_SET;
    whole.l_start = off_t{1} << 40;
    whole.l_len = 1;
    ASSERT_EQ(fcntl(reader, F_OFD_SETLK, &whole), 0);
    const auto claimed = a->claim(noon_, noon_);
    ASSERT_FALSE(claimed) << "a run that is due is not given away in silence";
    EXPECT_EQ(claimed.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(claimed.error().message, HasSubstr((folder_.path() / "leader").string()));
    EXPECT_FALSE(*a->keep()) << "it does not lead any more, so that what is due is made up for";
    const auto acquired = a->try_acquire();
    ASSERT_FALSE(acquired);
    EXPECT_THAT(acquired.error().message, HasSubstr("is locked by a process"));
    ::close(reader);
    EXPECT_TRUE(*a->try_acquire());
    EXPECT_TRUE(*a->claim(noon_, noon_));
}

TEST_F(FileLeader, IsCheckedWithoutATrace) {
    namespace fs = std::filesystem;
    const auto in = [](const fs::path& file) {
        return FileLeaderOptions{.file = file, .holder = "c", .clock = kRealClock};
    };
    EXPECT_TRUE(FileLeaderElection::check(in(folder_.path() / "absent" / "leader")));
    EXPECT_TRUE(fs::is_empty(folder_.path()));
    std::ofstream(folder_.path() / "file") << "something else\n";
    EXPECT_THAT(FileLeaderElection::check(in(folder_.path() / "file")).error().message,
                HasSubstr("is no leader file"));
    EXPECT_FALSE(FileLeaderElection::check(in(folder_.path() / "file" / "leader")));
    const auto a = replica("a");
    ASSERT_TRUE(*a->try_acquire());
    EXPECT_TRUE(FileLeaderElection::check(in(folder_.path() / "leader")));
    EXPECT_TRUE(*a->keep()) << "a check takes nothing away";
}

TEST_F(FileLeader, RefusesAFileThatIsNone) {
    std::ofstream(folder_.path() / "leader") << "something else\n";
    const auto a = replica("a");
    const auto acquired = a->try_acquire();
    ASSERT_FALSE(acquired);
    EXPECT_THAT(acquired.error().message, HasSubstr("is no leader file"));
}

TEST_F(FileLeader, RefusesAFileOfAnotherMachine) {
    const auto a = replica("a");
    const auto b = replica("b");
    ASSERT_TRUE(*a->try_acquire());
    std::ofstream(folder_.path() / "leader")
        << "rococo-leader-1 1 99 - another-boot-id elsewhere\n";
    const auto acquired = b->try_acquire();
    ASSERT_FALSE(acquired);
    EXPECT_THAT(acquired.error().message, HasSubstr("in use on another machine (elsewhere)"));
}

TEST_F(FileLeader, TakesOverTheFileOfAMachineThatWasRestarted) {
    std::ofstream(folder_.path() / "leader")
        << "rococo-leader-1 7 99999999999999 1795521600000000 earlier-boot-id elsewhere\n";
    const auto a = replica("a");
    EXPECT_TRUE(*a->try_acquire());
    EXPECT_TRUE(*a->last_claim());
}

TEST_F(FileLeader, TellsOfAFileThatCannotBeOpened) {
    std::ofstream(folder_.path() / "file") << "x";
    const auto opened = FileLeaderElection::open(
        {.file = folder_.path() / "file" / "leader", .holder = "a", .clock = kRealClock});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
}

// Real processes.

constexpr auto kPeriod = 50ms;
constexpr auto kLease = 600ms;
constexpr auto kInterval = 50ms;

/// A replica that runs a schedule while it leads, and writes a line for each run. Never returns.
[[noreturn]] void live(const std::filesystem::path& folder, char name, SystemTime start) {
    auto election = FileLeaderElection::open({.file = folder / "leader",
                                              .holder = std::string(1, name),
                                              .lease = kLease,
                                              .interval = kInterval,
                                              .clock = kRealClock});
    const int log = open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (!election || log < 0) _exit(2);
    IntervalSchedule schedule(kPeriod, start);
    while (true) {
        if (!(*election)->try_acquire().value_or(false)) {
            std::this_thread::sleep_for(kInterval);
            continue;
        }
        const auto claimed = (*election)->last_claim();
        Scheduler scheduler(
            schedule, {.misfire = MisfirePolicy::all, .misfire_grace = 10ms},
            [](std::chrono::microseconds) { return 0us; }, kRealClock.read(),
            claimed ? *claimed : std::nullopt);
        auto timer = WakeTimer::create();
        while ((*election)->keep().value_or(false)) {
            static_cast<void>(timer->wait_until(scheduler.wait_until()));
            SchedulerActions actions = scheduler.advance(kRealClock.read());
            while (!actions.empty()) {
                const auto* const run = std::get_if<StartRun>(&actions.front());
                if (run == nullptr) {
                    actions.erase(actions.begin());
                    continue;
                }
                if ((*election)
                        ->claim(run->due, kRealClock.now() + kSmallestClockStep)
                        .value_or(false)) {
                    const auto line = fmt::format("{} {}\n", name, (run->due - start) / kPeriod);
                    if (write(log, line.data(), line.size()) < 0) _exit(3);
                }
                actions = scheduler.on_run_finished(run->id, {}, kRealClock.read());
            }
        }
    }
}

struct Log {
    std::vector<int> runs;
    std::map<char, std::size_t> by;

    [[nodiscard]] std::size_t runs_of(char name) const {
        const auto found = by.find(name);
        return found == by.end() ? 0 : found->second;
    }
};

Log read_log(const std::filesystem::path& folder) {
    Log log;
    std::ifstream file(folder / "log");
    char name = 0;
    int run = 0;
    while (file >> name >> run) {
        ++log.by[name];
        log.runs.push_back(run);
    }
    return log;
}

/// Two replicas; something happens to the leader halfway. Returns when the other one has run for a
/// while.
Log two_replicas(const std::function<void(pid_t leader, const std::function<void()>&)>& halfway) {
    const TemporaryFolder folder;
    const SystemTime start = kRealClock.read().wall;
    const auto spawn = [&folder, start](char name) {
        const pid_t child = fork();
        if (child == 0) live(folder.path(), name, start);
        return child;
    };
    const auto wait_for_runs = [&folder](char name, std::size_t count) {
        wait_for([&] { return read_log(folder.path()).runs_of(name) >= count; });
    };
    const pid_t first = spawn('a');
    wait_for_runs('a', 1);
    const pid_t second = spawn('b');
    wait_for_runs('a', 15);
    halfway(first, [&] { wait_for_runs('b', 10); });
    wait_for_runs('b', 20);
    for (const pid_t child : {first, second}) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    return read_log(folder.path());
}

void expect_each_run_once(const Log& log, int at_most_missed) {
    const std::set<int> once(log.runs.begin(), log.runs.end());
    EXPECT_EQ(once.size(), log.runs.size()) << "a run took place twice";
    const int span = *once.rbegin() - *once.begin() + 1;
    EXPECT_LE(span - static_cast<int>(once.size()), at_most_missed);
}

TEST(FileLeaderProcesses, NoRunTakesPlaceTwiceWhenTheLeaderIsKilled) {
    const Log log = two_replicas([](pid_t leader, const auto&) { kill(leader, SIGKILL); });
    expect_each_run_once(log, 1);
}

TEST(FileLeaderProcesses, NoRunTakesPlaceTwiceWhenTheLeaderIsStoppedAndGoesOn) {
    const Log log = two_replicas([](pid_t leader, const auto& wait_for_the_other) {
        kill(leader, SIGSTOP);
        wait_for_the_other();
        kill(leader, SIGCONT);
    });
    expect_each_run_once(log, 1);
}

}  // namespace
}  // namespace rococo::svchost
