// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin_client/host_sockets.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>

#include "support/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::ScriptedServer;

class HostSockets : public testing::Test {
protected:
    HostSockets() { std::filesystem::create_directory(run_); }

    std::unique_ptr<ScriptedServer> host(const std::string& name, int age_s = 0) {
        auto server = std::make_unique<ScriptedServer>(run_ / name, ScriptedServer::always(""));
        timespec now{};
        ::clock_gettime(CLOCK_REALTIME, &now);
        now.tv_sec -= age_s;
        const timespec times[] = {now, now};
        ::utimensat(AT_FDCWD, (run_ / name).c_str(), times, 0);
        return server;
    }

    const tests::TemporaryFolder folder_;
    const std::filesystem::path run_ = folder_.path() / "run";
};

TEST_F(HostSockets, TheNewestIsFirst) {
    const auto old = host("old-1.sock", 60);
    const auto young = host("young-2.sock");
    const auto middle = host("middle-3.sock", 30);
    EXPECT_THAT(*live_sockets(folder_.path()),
                ElementsAre(run_ / "young-2.sock", run_ / "middle-3.sock", run_ / "old-1.sock"));
}

TEST_F(HostSockets, OnlyWhatIsListenedAtCounts) {
    host("dead-1.sock").reset();  // its file stays
    ASSERT_TRUE(std::filesystem::exists(run_ / "dead-1.sock"));
    folder_.write("run/file.sock", "");
    std::filesystem::create_directory(run_ / "folder.sock");
    const auto other = host("other.txt");
    const auto live = host("live-2.sock");
    EXPECT_THAT(*live_sockets(folder_.path()), ElementsAre(run_ / "live-2.sock"));
    EXPECT_FALSE(is_live_socket(run_ / "dead-1.sock"));
    EXPECT_FALSE(is_live_socket(run_ / "absent.sock"));
}

TEST_F(HostSockets, AFolderThatIsNotThereHasNone) {
    EXPECT_THAT(*live_sockets(folder_.path() / "absent"), IsEmpty());
}

TEST_F(HostSockets, WhatCannotBeLookedIntoIsSaid) {
    folder_.write("state/run", "a file");
    const auto sockets = live_sockets(folder_.path() / "state");
    ASSERT_FALSE(sockets);
    EXPECT_EQ(sockets.error().kind, ErrorKind::unavailable);
    EXPECT_NE(sockets.error().message.find("cannot look for hosts in"), std::string::npos);
}

TEST_F(HostSockets, ALongPathIsNoObstacle) {
    const auto deep = folder_.path() / std::string(150, 'd');
    std::filesystem::create_directory(deep);
    const auto live = host("live.sock");
    std::filesystem::rename(run_, deep / "run");
    EXPECT_THAT(*live_sockets(deep), ElementsAre(deep / "run" / "live.sock"));
}

}  // namespace
}  // namespace rococo::svchost
