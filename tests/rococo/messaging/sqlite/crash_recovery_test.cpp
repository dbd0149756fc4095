// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <sqlite3.h>

#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <thread>

#include "child_process.hpp"
#include "no_room.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CrashRecoveryTest : public QueueFixture {
protected:
    [[nodiscard]] std::string file() const { return settings_.path.string(); }

    /// Waits, in real time, for messages; the clock of the test stands still.
    [[nodiscard]] Deliveries receive_soon(SqliteConnection& connection) {
        Events events;
        const RealClock real;
        const auto deadline = real.steady_now() + 60s;
        while (events.deliveries.empty() && real.steady_now() < deadline) {
            std::this_thread::sleep_for(5ms);
            clock_.advance(settings_.death_check);
            EXPECT_TRUE(connection.receive(clock_.steady_now(), events));
        }
        return std::move(events.deliveries);
    }

    /// What `watcher` gets while so much time passes, in which it looks around as it should.
    [[nodiscard]] Deliveries watch(SqliteConnection& watcher, std::chrono::milliseconds time) {
        Deliveries got;
        for (auto passed = 0ms; passed < time; passed += settings_.death_check) {
            clock_.advance(settings_.death_check);
            for (auto& delivery : receive(watcher)) got.push_back(std::move(delivery));
        }
        return got;
    }

    /// How often each id stands in the journals.
    [[nodiscard]] std::map<std::string, int> journal(const std::string& name) const {
        std::map<std::string, int> seen;
        std::ifstream lines(directory_.path() / name);
        for (std::string id, attempt; lines >> id >> attempt;) {
            ++seen[id];
            EXPECT_EQ(attempt, "1") << "no attempt is charged for a crash";
        }
        return seen;
    }
};

TEST_F(CrashRecoveryTest, BringsBackWhatAKilledHostHadInHand) {
    send({"1", "2", "3"});
    auto connection = connect();
    ChildProcess holder({"hold", file(), "work", "2"});
    ASSERT_TRUE(holder.wait_until_ready());
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("3"));
    holder.signal(SIGKILL);
    holder.wait();
    const auto again = receive_soon(*connection);
    ASSERT_THAT(bodies(again), ElementsAre("1", "2"));
    EXPECT_EQ(again[0]->attempt, 1U);
    EXPECT_TRUE(again[0]->redelivered);
}

TEST_F(CrashRecoveryTest, WakesForTheDeathOfAnotherHost) {
    const RealClock real;
    send({"1"});
    ChildProcess holder({"hold", file(), "work", "1"});
    ASSERT_TRUE(holder.wait_until_ready());
    settings_.death_check = 1h;  // So that only the ring of its closing files can tell.
    SqliteConnection connection(settings_, "work", real);
    ASSERT_TRUE(connection.open());
    Events events;
    ASSERT_TRUE(connection.receive(real.steady_now(), events));
    ASSERT_THAT(events.deliveries, IsEmpty());
    std::jthread killer([&] {
        std::this_thread::sleep_for(50ms);
        holder.signal(SIGKILL);
    });
    ASSERT_TRUE(connection.receive(real.steady_now() + 60s, events));
    EXPECT_THAT(bodies(events.deliveries), ElementsAre("1"));
}

TEST_F(CrashRecoveryTest, BringsBackAtOnceWhatADeadHostHadWhenTheNextOneOpens) {
    send({"1"});
    {
        ChildProcess holder({"hold", file(), "work", "1"});
        ASSERT_TRUE(holder.wait_until_ready());
    }
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1"));
}

TEST_F(CrashRecoveryTest, KeepsTheRetriesOfADeadHostAsTheyWere) {
    send({"1", "2"});
    auto failing = connect();
    auto in_hand = receive(*failing);
    settle(*failing, std::move(in_hand[0]), Verdict::retry);
    ASSERT_THAT(bodies(receive(*failing)), ElementsAre("1"));
    failing->close();
    {
        ChildProcess holder({"hold", file(), "work", "2"});
        ASSERT_TRUE(holder.wait_until_ready());
    }
    const auto again = receive(*connect());
    ASSERT_THAT(bodies(again), ElementsAre("2", "1"));
    EXPECT_EQ(again[0]->attempt, 1U);
    EXPECT_EQ(again[1]->attempt, 2U);
    EXPECT_TRUE(again[1]->redelivered);
}

TEST_F(CrashRecoveryTest, BringsBackWhatAStoppedHostHasWhenItsLeaseEnds) {
    send({"1"});
    auto stopped = connect();
    auto in_hand = receive(*stopped);
    auto other = connect();
    EXPECT_THAT(watch(*other, settings_.lease), IsEmpty());
    EXPECT_THAT(bodies(watch(*other, 1s)), ElementsAre("1"));
    // It goes on: it takes nothing away from the new owner, and is told so, once.
    settle(*stopped, std::move(in_hand[0]), Verdict::retry, 0ms);
    const auto events = receive_events(*stopped);
    EXPECT_THAT(events.deliveries, IsEmpty());
    EXPECT_THAT(events.settled, IsEmpty());
    EXPECT_THAT(events.lost, SizeIs(1));
    EXPECT_EQ(stopped->unsettled(), 0U);
    EXPECT_FALSE(is_empty(*stopped));
}

TEST_F(CrashRecoveryTest, AcceptsAnAcknowledgementThatWaitedWhileTheLeaseEnded) {
    send({"1", "2"});
    auto stopped = connect(1);
    auto in_hand = receive(*stopped);
    auto other = connect();
    auto at_other = receive(*other);
    EXPECT_THAT(bodies(at_other), ElementsAre("2"));
    auto again = watch(*other, settings_.lease + 1s);
    EXPECT_THAT(bodies(again), ElementsAre("1"));
    const auto number = in_hand[0]->number;
    settle_all(*stopped, std::move(in_hand), Verdict::ack);
    const auto events = receive_events(*stopped);
    EXPECT_THAT(events.deliveries, IsEmpty());
    EXPECT_THAT(events.lost, IsEmpty());
    ASSERT_THAT(events.settled, SizeIs(1)) << "the work was done";
    EXPECT_EQ(events.settled[0].delivery, number);
    // Whatever the other makes of it now, it is gone.
    settle(*other, std::move(again[0]), Verdict::retry);
    settle(*other, std::move(at_other[0]), Verdict::ack);
    EXPECT_THAT(receive(*other), IsEmpty());
    EXPECT_TRUE(is_empty(*other));
}

TEST_F(CrashRecoveryTest, TellsAStoppedHostOfEachDeliveryThatItLostAndTakesNoVerdictOnIt) {
    send({"1", "2", "3"});
    auto stopped = connect(2);
    auto in_hand = receive(*stopped);
    const std::vector<std::uint64_t> numbers{in_hand[0]->number, in_hand[1]->number};
    auto other = connect();
    EXPECT_THAT(bodies(receive(*other)), ElementsAre("3"));
    EXPECT_THAT(bodies(watch(*other, settings_.lease + 1s)), ElementsAre("1", "2"));
    const auto events = receive_events(*stopped);
    ASSERT_THAT(events.lost, SizeIs(2));
    EXPECT_THAT((std::vector{events.lost[0].delivery, events.lost[1].delivery}),
                ::testing::UnorderedElementsAreArray(numbers));
    EXPECT_FALSE(events.lost[0].overdue);
    settle_all(*stopped, std::move(in_hand), Verdict::dead_letter);
    EXPECT_EQ(stopped->unsettled(), 0U) << "each is answered already";
    clock_.advance(settings_.lease);
    EXPECT_TRUE(receive_events(*stopped).empty());
    EXPECT_EQ(dead_letters()->count().value(), 0U);
    send({"4"});
    EXPECT_THAT(bodies(receive(*stopped)), ElementsAre("4")) << "what was lost takes no room";
}

TEST_F(CrashRecoveryTest, TellsOfTheLossThoughTheDiskWasFullWhenItWasNoticed) {
    send({"1"});
    auto stopped = connect();
    auto in_hand = receive(*stopped);
    auto other = connect();
    EXPECT_THAT(bodies(watch(*other, settings_.lease + 1s)), ElementsAre("1"));
    settle(*stopped, std::move(in_hand[0]), Verdict::retry);
    {
        const NoRoom no_room;
        EXPECT_TRUE(receive_events(*stopped).empty());
    }
    clock_.advance(5s);
    const auto events = receive_events(*stopped);
    EXPECT_THAT(events.lost, SizeIs(1));
    EXPECT_THAT(events.settled, IsEmpty()) << "the retry was not carried out";
}

TEST_F(CrashRecoveryTest, ExtendsTheLeaseOfAHostThatIsAlive) {
    send({"1"});
    auto busy = connect();
    const auto in_hand = receive(*busy);
    auto other = connect();
    for (int i = 0; i < 20; ++i) {
        clock_.advance(settings_.lease / 2);
        EXPECT_THAT(receive(*busy), IsEmpty());
        EXPECT_THAT(receive(*other), IsEmpty());
    }
}

TEST_F(CrashRecoveryTest, AKilledWriterLeavesNothingHalfDone) {
    send({"1", "2"});
    {
        ChildProcess writer({"write", file(), "work"});
        ASSERT_TRUE(writer.wait_until_ready());
    }
    auto connection = connect();
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("1", "2"));
}

TEST_F(CrashRecoveryTest, FailsAfterTheTimeoutWhileAStoppedWriterHasTheTurn) {
    send({"1"});
    ChildProcess writer({"write", file(), "work"});
    ASSERT_TRUE(writer.wait_until_ready());
    settings_.timeout = 50ms;
    const RealClock real;
    SqliteConnection connection(settings_, "work", real);
    const auto opened = connection.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(opened.error().message, ::testing::HasSubstr(file() + "-lock"));
}

TEST_F(CrashRecoveryTest, SeveralProcessesCreateTheFileAtOnce) {
    for (int round = 0; round < 5; ++round) {
        settings_.path = directory_.path() / ("queue" + std::to_string(round) + ".db");
        std::vector<ChildProcess> senders;
        for (const char* prefix : {"a", "b", "c", "d"}) {
            senders.emplace_back(std::vector<std::string>{"send", file(), "work", prefix, "5"});
        }
        for (auto& sender : senders) EXPECT_EQ(sender.wait(), 0) << sender.errors();
        EXPECT_EQ(receive(*connect()).size(), 20U);
    }
}

TEST_F(CrashRecoveryTest, LosesNothingWhileSendersSendAndConsumersAreKilled) {
    constexpr int kEach = 300;
    constexpr int kKills = 12;
    std::vector<ChildProcess> senders;
    for (const char* prefix : {"a", "b", "c"}) {
        senders.emplace_back(
            std::vector<std::string>{"send", file(), "work", prefix, std::to_string(kEach)});
    }
    const std::vector<std::string> consume{"consume", file(), "work",
                                           (directory_.path() / "journal").string()};
    std::mt19937 random(11);
    for (int kill = 0; kill < kKills; ++kill) {
        ChildProcess first(consume);
        ChildProcess second(consume);
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 60));
        first.signal(SIGKILL);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 30));
    }
    for (auto& sender : senders) EXPECT_EQ(sender.wait(), 0) << sender.errors();
    ChildProcess last(consume);
    EXPECT_EQ(last.wait(), 0) << last.errors();

    const auto seen = journal("journal");
    int lost = 0;
    int twice = 0;
    for (const char* prefix : {"a", "b", "c"}) {
        for (int i = 0; i < kEach; ++i) {
            const auto found = seen.find(std::string(prefix) + "-" + std::to_string(i));
            if (found == seen.end()) ++lost;
            if (found != seen.end()) twice += found->second - 1;
        }
    }
    EXPECT_EQ(lost, 0);
    EXPECT_LE(twice, kKills * 2 * 20) << "no more than what was in hand at each kill";
    RecordProperty("processed_again", twice);
}

/// What SQLite says of the file, as another program would ask while hosts and senders run.
std::string integrity(const std::string& path) {
    sqlite3* handle = nullptr;
    std::string answer = "cannot be opened";
    if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READONLY, nullptr) == SQLITE_OK) {
        sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_busy_timeout(handle, 60'000);
        answer.clear();
        sqlite3_exec(
            handle, "PRAGMA integrity_check(1)",
            [](void* text, int, char** values, char**) {
                *static_cast<std::string*>(text) += values[0];
                return 0;
            },
            &answer, nullptr);
    }
    sqlite3_close(handle);
    return answer;
}

TEST_F(CrashRecoveryTest, TheFileIsWholeAfterEachOfTwoHundredKills) {
    constexpr int kKills = 200;
    static_cast<void>(connect());
    const std::vector<std::string> consume{"consume", file(), "work",
                                           (directory_.path() / "journal").string()};
    std::mt19937 random(5);
    std::vector<ChildProcess> processes;
    for (int kill = 0; kill < kKills && !HasFailure(); ++kill) {
        processes.emplace_back(consume);
        // More than it comes to send: it is killed as well.
        processes.emplace_back(
            std::vector<std::string>{"send", file(), "work", std::to_string(kill), "100000"});
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 25));
        const std::size_t victim = random() % processes.size();
        processes[victim].signal(SIGKILL);
        processes[victim].wait();
        std::swap(processes[victim], processes.back());
        processes.pop_back();
        EXPECT_EQ(integrity(file()), "ok") << "after kill " << kill;
        while (processes.size() > 4) processes.pop_back();  // Killed too, by the destructor.
    }
}

}  // namespace
}  // namespace rococo::messaging::testing
