// SPDX-License-Identifier: MIT
#include "http/listener.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "raw_client.hpp"
#include "rococo_svchost/admin/admin_server.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::tests {
namespace {

namespace fs = std::filesystem;
using svchost::http::Listener;
using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

mode_t mode_of(const fs::path& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

TEST(TcpListener, ASecondHostOnOnePortIsAWrongConfiguration) {
    const auto first = Listener::open_tcp("127.0.0.1", 0);
    ASSERT_TRUE(first) << first.error().message;
    const std::uint16_t port = (*first)->port();
    ASSERT_GT(port, 0);
    const auto second = Listener::open_tcp("127.0.0.1", port);
    ASSERT_FALSE(second);
    EXPECT_EQ(exit_code(second.error().kind), 78);
    EXPECT_THAT(second.error().message,
                AllOf(StartsWith("ADMIN_PORT=" + std::to_string(port)),
                      HasSubstr("another process"), HasSubstr("choose another port")));
}

TEST(TcpListener, APortIsFreeAgainAtOnce) {
    std::uint16_t port = 0;
    {
        const auto listener = Listener::open_tcp("127.0.0.1", 0);
        ASSERT_TRUE(listener);
        port = (*listener)->port();
        // The side that closes first keeps the connection for a minute (TIME_WAIT).
        const RawClient client(port);
        EXPECT_TRUE((*listener)->accept().socket.is_open());
    }
    EXPECT_TRUE(Listener::open_tcp("127.0.0.1", port));
}

TEST(TcpListener, NamesAnAddressThatCannotBe) {
    for (const char* address : {"192.0.2.1", "300.1.1.1", "nonsense!"}) {
        const auto listener = Listener::open_tcp(address, 0);
        ASSERT_FALSE(listener) << address;
        EXPECT_EQ(listener.error().kind, ErrorKind::configuration);
        EXPECT_THAT(listener.error().message, StartsWith(std::string("ADMIN_ADDRESS=") + address));
    }
}

TEST(TcpListener, KnowsLoopbackPeersBothWays) {
    for (const char* address : {"127.0.0.1", "0.0.0.0", "::"}) {
        const auto listener = Listener::open_tcp(address, 0);
        if (!listener && std::string_view(address) == "::") continue;  // a machine without IPv6
        ASSERT_TRUE(listener) << listener.error().message;
        const RawClient client((*listener)->port());
        const auto accepted = (*listener)->accept();
        EXPECT_TRUE(accepted.peer.is_loopback) << address;
        EXPECT_FALSE(accepted.peer.is_trusted);
        EXPECT_THAT(accepted.peer.address, StartsWith("127.0.0.1:"));
        EXPECT_FALSE((*listener)->accept().socket.is_open()) << "nobody else is there";
    }
}

class UnixListener : public testing::Test {
protected:
    TemporaryFolder folder_;
    const fs::path run_ = folder_.path() / "state" / "run";
};

TEST_F(UnixListener, IsForThisUserOnlyAndGoesWithItsHost) {
    {
        const auto listener = Listener::open_unix(run_, "web1-1");
        ASSERT_TRUE(listener) << listener.error().message;
        EXPECT_EQ((*listener)->path(), run_ / "web1-1.sock");
        EXPECT_EQ(mode_of(run_), 0700U);
        EXPECT_EQ(mode_of((*listener)->path()), 0600U);
        const RawClient client((*listener)->path());
        const auto accepted = (*listener)->accept();
        EXPECT_TRUE(accepted.peer.is_trusted);
        EXPECT_EQ(accepted.peer.address, "socket");
    }
    EXPECT_TRUE(fs::is_empty(run_));
}

/// Leaves a socket behind, as a host does that was killed.
void leave_socket(const fs::path& path) {
    fs::create_directories(path.parent_path());
    const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
}

TEST_F(UnixListener, RemovesSocketsOfDeadHostsAndNothingElse) {
    leave_socket(run_ / "dead-1.sock");
    leave_socket(run_ / "web1-1.sock");
    leave_socket(run_ / "other");
    folder_.write(run_ / "file.sock", "");
    const auto living = Listener::open_unix(run_, "living-1");
    ASSERT_TRUE(living);
    EXPECT_FALSE(fs::exists(run_ / "dead-1.sock"));
    const auto listener = Listener::open_unix(run_, "web1-1");
    ASSERT_TRUE(listener) << "after a crash, process 1 of a container has the same name again";
    EXPECT_TRUE(fs::exists(run_ / "living-1.sock"));
    EXPECT_TRUE(fs::exists(run_ / "other"));
    EXPECT_TRUE(fs::exists(run_ / "file.sock"));
    const RawClient client((*living)->path());
}

TEST_F(UnixListener, NeverTakesTheNameOfALivingHost) {
    const auto first = Listener::open_unix(run_, "web1-1");
    ASSERT_TRUE(first);
    const auto second = Listener::open_unix(run_, "web1-1");
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message, HasSubstr("web1-1.sock"));
    const RawClient client((*first)->path());
}

TEST_F(UnixListener, ALongNameIsReplacedByItsHash) {
    const std::string name(200, 'n');
    const auto listener = Listener::open_unix(run_, name);
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_THAT((*listener)->path().filename().string(), MatchesRegex("[0-9a-f]+\\.sock"));
    const RawClient client((*listener)->path());
}

TEST_F(UnixListener, AFolderThatIsTooLongIsSaidClearly) {
    const auto listener = Listener::open_unix(folder_.path() / std::string(120, 'd'), "web1-1");
    ASSERT_FALSE(listener);
    EXPECT_THAT(listener.error().message, AllOf(HasSubstr("107"), HasSubstr("STATE_DIR")));
}

}  // namespace
}  // namespace rococo::tests
