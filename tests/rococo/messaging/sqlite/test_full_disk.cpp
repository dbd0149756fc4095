// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// While it lives no file of this process can be written past its first 4 KiB: each commit fails.
class NoRoom {
public:
    NoRoom() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{4096, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~NoRoom() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

class FullDiskTest : public QueueFixture {};

TEST_F(FullDiskTest, KeepsSettlementsAndWritesThemWhenThereIsRoomAgain) {
    send({"1", "2", "3"});
    auto connection = connect(2);
    settle_all(*connection, receive(*connection), Verdict::ack);
    {
        const NoRoom no_room;
        for (int i = 0; i < 5; ++i) {
            EXPECT_THAT(receive(*connection), IsEmpty());
            EXPECT_EQ(connection->unsettled(), 2U);
            clock_.advance(3s);
        }
    }
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("3"));
    EXPECT_EQ(connection->unsettled(), 0U);
    connection->close();
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("3"));
}

TEST_F(FullDiskTest, EndsWithAnErrorThatNamesTheFileAfterAWhile) {
    send({"1"});
    auto connection = connect();
    settle_all(*connection, receive(*connection), Verdict::ack);
    Result<void> received;
    {
        const NoRoom no_room;
        for (int i = 0; received && i < 1000; ++i) {
            clock_.advance(1s);
            Deliveries deliveries;
            received = connection->receive(clock_.steady_now(), deliveries);
        }
    }
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(received.error().message, HasSubstr(settings_.path.string()));
    connection->close();
    EXPECT_TRUE(is_empty(*connect())) << "the close, with room again, wrote the settlement";
}

TEST_F(FullDiskTest, FailsToSendAtOnceAndGoesOnWhenThereIsRoomAgain) {
    send({"1"});
    {
        const NoRoom no_room;
        const auto sent = sender().send("work", message("2"));
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
        EXPECT_THAT(sent.error().message, HasSubstr(settings_.path.string()));
    }
    send({"3"});
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1", "3"));
}

TEST_F(FullDiskTest, RefusesToOpenWithoutRoomAndOpensLater) {
    {
        const NoRoom no_room;
        SqliteConnection connection(settings_, "work", clock_);
        const auto opened = connection.open();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
        EXPECT_THAT(opened.error().message, HasSubstr(settings_.path.string()));
    }
    send({"1"});
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1"));
}

/// A file system of 4 MiB, where this process may mount one.
class SmallFileSystemTest : public QueueFixture {
protected:
    void SetUp() override {
        if (::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=4m") != 0) {
            GTEST_SKIP() << "mounting a tmpfs is not permitted here";
        }
        mounted_ = true;
    }
    ~SmallFileSystemTest() override {
        if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
    }

    /// Sends messages of 10 kB until the disk is full; how many were sent.
    int fill() {
        for (int sent = 0; sent < 10'000; ++sent) {
            const auto result = sender().send("work", message(std::string(10'000, 'x')));
            if (result) continue;
            EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
            EXPECT_THAT(result.error().message, HasSubstr("disk is full"));
            return sent;
        }
        return -1;
    }

private:
    bool mounted_ = false;
};

TEST_F(SmallFileSystemTest, KeepsEverythingThatWasSentBeforeTheDiskWasFull) {
    const int sent = fill();
    ASSERT_GT(sent, 50);
    // Not even a claim fits, nor can the log be copied. The host waits for room, and then goes on.
    auto connection = connect(10'000);
    EXPECT_THAT(receive(*connection), IsEmpty());
    ASSERT_EQ(::mount("tmpfs", directory_.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
    clock_.advance(5s);
    auto deliveries = receive(*connection);
    EXPECT_THAT(deliveries, SizeIs(sent));
    settle_all(*connection, std::move(deliveries), Verdict::ack);
    EXPECT_THAT(receive(*connection), IsEmpty());
    EXPECT_TRUE(is_empty(*connection));
    send({"again"});
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("again"));
}

}  // namespace
}  // namespace rococo::messaging::testing
