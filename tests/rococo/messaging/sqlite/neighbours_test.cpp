// SPDX-License-Identifier: MIT
// What other users of the machine may do, and rights that change while a host runs.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock_file.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using std::filesystem::perms;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class NeighboursTest : public QueueFixture {
protected:
    NeighboursTest() : umask_(::umask(0)) {}
    ~NeighboursTest() override { ::umask(umask_); }

    [[nodiscard]] perms mode(const char* suffix) const {
        return std::filesystem::status(settings_.path.string() + suffix).permissions();
    }

private:
    mode_t umask_;
};

TEST_F(NeighboursTest, FilesAreTheirOwnersAlone) {
    auto connection = connect();
    send({"1"});
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
        EXPECT_EQ(mode(suffix), perms(0600)) << suffix;
    }
}

TEST_F(NeighboursTest, FoldersThatAreMadeAreTheirOwnersAloneAndExistingOnesStayAsTheyAre) {
    std::filesystem::create_directory(directory_.path() / "shared");
    std::filesystem::permissions(directory_.path() / "shared", perms(0770));
    settings_.path = directory_.path() / "shared" / "own" / "deep" / "queue.db";
    settings_.make_folder = true;
    send({"1"});
    using std::filesystem::status;
    EXPECT_EQ(status(directory_.path() / "shared").permissions(), perms(0770));
    EXPECT_EQ(status(directory_.path() / "shared/own").permissions(), perms(0700));
    EXPECT_EQ(status(directory_.path() / "shared/own/deep").permissions(), perms(0700));
}

TEST_F(NeighboursTest, WarnsOfAFolderThatOthersCanWriteToAndOfFilesThatTheyCanRead) {
    send({"1"});
    std::filesystem::permissions(directory_.path(), perms(0777));
    std::filesystem::permissions(settings_.path, perms(0644));  // As version 1.0.0 made it.
    SqliteConnection connection(settings_, "work", clock_, logger());
    ASSERT_TRUE(connection.open());
    EXPECT_THAT(lines_, ElementsAre(HasSubstr("chmod o-w " + directory_.path().string()),
                                    HasSubstr("chmod o-rwx " + settings_.path.string() + "*")));
}

/// Acts as a user without rights where it is root, in the threads and for the time of the test.
class Nobody {
public:
    Nobody() : was_(::geteuid()) {
        if (was_ == 0) static_cast<void>(::seteuid(65534));
    }
    ~Nobody() { static_cast<void>(::seteuid(was_)); }
    Nobody(const Nobody&) = delete;
    Nobody& operator=(const Nobody&) = delete;

private:
    uid_t was_;
};

TEST_F(NeighboursTest, BearsARightThatIsTakenAwayAndGoesOnWhenItIsBack) {
    send({"1", "2"});
    SqliteConnection connection(settings_, "work", clock_, logger());
    connection.limit({.deliveries = 1});
    ASSERT_TRUE(connection.open());
    settle_all(connection, receive(connection), Verdict::ack);
    std::filesystem::permissions(directory_.path(), perms::none);
    {
        const Nobody nobody;
        for (int second = 0; second < 600; ++second) {
            clock_.advance(1s);
            EXPECT_TRUE(receive_events(connection).empty());
        }
        EXPECT_EQ(connection.unsettled(), 1U);
        EXPECT_THAT(lines_, SizeIs(10)) << "a line a minute";
        EXPECT_THAT(lines_[0], HasSubstr("Permission denied"));
    }
    std::filesystem::permissions(directory_.path(), perms(0700));
    clock_.advance(5s);
    const auto events = receive_events(connection);
    EXPECT_THAT(events.settled, SizeIs(1));
    EXPECT_THAT(bodies(events.deliveries), ElementsAre("2"));
}

TEST_F(NeighboursTest, AFileThatIsMadeReadOnlyWhileItRunsStopsNobody) {
    send({"1"});
    auto connection = connect();
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
        std::filesystem::permissions(settings_.path.string() + suffix, perms(0400));
    }
    settle_all(*connection, receive(*connection), Verdict::ack);
    EXPECT_THAT(receive_events(*connection).settled, SizeIs(1));
}

TEST_F(NeighboursTest, ADirectoryThatIsRemovedEndsTheHostWithOneError) {
    settings_.path = directory_.path() / "state" / "queue.db";
    settings_.make_folder = true;
    send({"1"});
    auto connection = connect();
    auto in_hand = receive(*connection);
    std::filesystem::remove_all(directory_.path() / "state");
    settle_all(*connection, std::move(in_hand), Verdict::ack);
    Events events;
    const auto received = connection->receive(clock_.steady_now(), events);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().kind, ErrorKind::configuration);
    EXPECT_THAT(received.error().message, HasSubstr("while in use"));
    EXPECT_EQ(events.count(), 1U);
    ASSERT_EQ(events.states.size(), 1U);
    EXPECT_EQ(events.states[0].state, ConnectionState::lost);
    EXPECT_EQ(events.states[0].reason, received.error().message);
}

TEST_F(NeighboursTest, ALockThatIsHeldByAnotherDelaysAReceiveByAMomentOnlyAndIsNamed) {
    const RealClock clock;
    send({"1", "2"});
    settings_.timeout = 50ms;
    SqliteConnection connection(settings_, "work", clock, logger());
    connection.limit({.deliveries = 1});
    ASSERT_TRUE(connection.open());
    Events events;
    ASSERT_TRUE(connection.receive(clock.steady_now() + 60s, events));
    settle_all(connection, std::move(events.deliveries), Verdict::ack);
    auto other = sqlite::LockFile::open(settings_.path.string() + "-lock");
    ASSERT_TRUE(other);
    {
        const auto turn = other->take_turn(60s, clock);
        ASSERT_TRUE(turn);
        Events none;
        ASSERT_TRUE(connection.receive(clock.steady_now(), none));
        EXPECT_EQ(none.count(), 1U);
        ASSERT_EQ(none.states.size(), 1U);
        EXPECT_EQ(none.states[0].state, ConnectionState::blocked);
        EXPECT_EQ(connection.unsettled(), 1U);
        EXPECT_THAT(lines_, ElementsAre(HasSubstr("stays locked by another thread of this")));
    }
    Events after;
    ASSERT_TRUE(connection.receive(clock.steady_now() + 60s, after));
    EXPECT_THAT(after.settled, SizeIs(1));
}

}  // namespace
}  // namespace rococo::messaging::testing
