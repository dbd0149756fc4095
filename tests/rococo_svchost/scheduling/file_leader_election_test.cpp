// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/file_leader_election.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "rococo_svchost/scheduling/scheduler.hpp"
#include "rococo_svchost/scheduling/wake_timer.hpp"
#include "temporary_folder.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

class FileLeader : public ::testing::Test {
protected:
    std::unique_ptr<FileLeaderElection> replica(const std::string& name) {
        auto opened = FileLeaderElection::open({.file = folder_.path() / "leader",
                                                .holder = name,
                                                .lease = 5s,
                                                .interval = 500ms,
                                                .clock = [this] { return clock_; }});
        if (!opened) throw std::runtime_error(opened.error().message);
        return *std::move(opened);
    }

    TemporaryFolder folder_;
    std::chrono::microseconds clock_{1h};
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
    clock_ += 4s;
    ASSERT_TRUE(*a->keep());
    clock_ += 4s;
    EXPECT_FALSE(*b->try_acquire());
    clock_ += 1s;
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
    clock_ += 60s;
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

TEST_F(FileLeader, DoesNotBelieveAClaimFromTheFuture) {
    const auto a = replica("a");
    ASSERT_TRUE(*a->try_acquire());
    ASSERT_TRUE(*a->claim(noon_ + 1h, noon_ + 1h));
    EXPECT_TRUE(*a->claim(noon_ + 10s, noon_ + 10s));  // The clock was set back.
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
    const auto opened = FileLeaderElection::open(
        {.file = folder_.path() / "absent" / "leader", .holder = "a", .clock = {}});
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
                                              .clock = {}});
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
            [](std::chrono::microseconds) { return 0us; }, read_clocks(),
            claimed ? *claimed : std::nullopt);
        auto timer = WakeTimer::create();
        while ((*election)->keep().value_or(false)) {
            static_cast<void>(timer->wait_until(scheduler.wait_until()));
            SchedulerActions actions = scheduler.advance(read_clocks());
            while (!actions.empty()) {
                const auto* const run = std::get_if<StartRun>(&actions.front());
                if (run == nullptr) {
                    actions.erase(actions.begin());
                    continue;
                }
                if ((*election)->claim(run->due, read_clocks().wall).value_or(false)) {
                    const auto line = fmt::format("{} {}\n", name, (run->due - start) / kPeriod);
                    if (write(log, line.data(), line.size()) < 0) _exit(3);
                }
                actions = scheduler.on_run_finished(run->id, {}, read_clocks());
            }
        }
    }
}

struct Log {
    std::vector<int> runs;
    std::set<char> leaders;
};

Log read_log(const std::filesystem::path& folder) {
    Log log;
    std::ifstream file(folder / "log");
    char name = 0;
    int run = 0;
    while (file >> name >> run) {
        log.leaders.insert(name);
        log.runs.push_back(run);
    }
    return log;
}

/// Two replicas; something happens to the leader halfway.
Log two_replicas(const std::function<void(pid_t leader)>& halfway) {
    const TemporaryFolder folder;
    const SystemTime start = read_clocks().wall;
    const auto spawn = [&folder, start](char name) {
        const pid_t child = fork();
        if (child == 0) live(folder.path(), name, start);
        return child;
    };
    const pid_t first = spawn('a');
    std::this_thread::sleep_for(300ms);  // The first one leads by now.
    const pid_t second = spawn('b');
    std::this_thread::sleep_for(1s);
    halfway(first);
    std::this_thread::sleep_for(1500ms);
    for (const pid_t child : {first, second}) {
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
    return read_log(folder.path());
}

void expect_each_run_once(const Log& log, int at_most_missed) {
    ASSERT_GT(log.runs.size(), 20U);
    const std::set<int> once(log.runs.begin(), log.runs.end());
    EXPECT_EQ(once.size(), log.runs.size()) << "a run took place twice";
    const int span = log.runs.back() - log.runs.front() + 1;
    EXPECT_LE(span - static_cast<int>(once.size()), at_most_missed);
}

TEST(FileLeaderProcesses, NoRunTakesPlaceTwiceWhenTheLeaderIsKilled) {
    const Log log = two_replicas([](pid_t leader) { kill(leader, SIGKILL); });
    EXPECT_EQ(log.leaders, (std::set<char>{'a', 'b'}));
    expect_each_run_once(log, 1);
}

TEST(FileLeaderProcesses, NoRunTakesPlaceTwiceWhenTheLeaderIsStoppedAndGoesOn) {
    const Log log = two_replicas([](pid_t leader) {
        kill(leader, SIGSTOP);
        std::this_thread::sleep_for(1500ms);
        kill(leader, SIGCONT);
    });
    EXPECT_EQ(log.leaders, (std::set<char>{'a', 'b'}));
    expect_each_run_once(log, 1);
}

}  // namespace
}  // namespace rococo::svchost
