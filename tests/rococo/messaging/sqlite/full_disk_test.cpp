// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <fstream>

#include "no_room.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

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

TEST_F(FullDiskTest, GoesOnTryingWithALineAMinuteForAsLongAsItTakes) {
    send({"1"});
    SqliteConnection connection(settings_, "work", clock_, logger());
    ASSERT_TRUE(connection.open());
    settle_all(connection, receive(connection), Verdict::ack);
    {
        const NoRoom no_room;
        for (int second = 0; second < 3600; ++second) {
            clock_.advance(1s);
            EXPECT_TRUE(receive_events(connection).empty());
        }
    }
    EXPECT_THAT(lines_, SizeIs(60));
    EXPECT_THAT(lines_[0], HasSubstr(settings_.path.string()));
    EXPECT_THAT(lines_[0], HasSubstr("1 verdict is kept"));
    EXPECT_EQ(connection.unsettled(), 1U);
    clock_.advance(5s);
    EXPECT_THAT(receive_events(connection).settled, SizeIs(1));
    EXPECT_THAT(lines_, SizeIs(61));
    EXPECT_THAT(lines_.back(), HasSubstr("can be used again"));
    connection.close();
    EXPECT_TRUE(is_empty(*connect()));
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

/// Gives this process the rights of root in a user namespace with mounts of its own, as anybody may
/// have them where the system allows it; only while it has one thread.
bool enter_namespace() {
    const auto uid = ::geteuid();
    const auto gid = ::getegid();
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << uid << " " << uid << " 1";
    std::ofstream("/proc/self/gid_map") << gid << " " << gid << " 1";
    return true;
}

/// Gives them up: tests that follow in this process expect to be refused things.
void drop_rights() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> none{};
    ::syscall(SYS_capset, &header, none.data());
}

/// A file system of 4 MiB. Where none can be mounted, SmallDiskTest does the same with a file
/// system of SQLite's own, which needs no rights.
class SmallFileSystemTest : public QueueFixture {
protected:
    void SetUp() override {
        mounted_ = mount(0, "size=4m");
        if (!mounted_ && enter_namespace()) {
            entered_ = true;
            mounted_ = mount(0, "size=4m");
        }
        if (!mounted_) {
            GTEST_SKIP() << "no tmpfs can be mounted here, not even in a namespace: see "
                            "SmallDiskTest.KeepsEverythingThatWasSentBeforeItWasFull";
        }
    }
    ~SmallFileSystemTest() override {
        if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
        if (entered_) drop_rights();
    }

    [[nodiscard]] bool mount(unsigned long flags, const char* options) const {
        return ::mount("tmpfs", directory_.path().c_str(), "tmpfs", flags, options) == 0;
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
    bool entered_ = false;
};

TEST_F(SmallFileSystemTest, KeepsEverythingThatWasSentBeforeTheDiskWasFull) {
    const int sent = fill();
    ASSERT_GT(sent, 50);
    // Not even a claim fits, nor can the log be copied. The host waits for room, and then goes on.
    auto connection = connect(10'000);
    EXPECT_THAT(receive(*connection), IsEmpty());
    ASSERT_TRUE(mount(MS_REMOUNT, "size=64m"));
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
