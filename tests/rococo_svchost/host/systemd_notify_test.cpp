// SPDX-License-Identifier: MIT
#include "systemd_notify.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>

#include "support/environment_variable.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using tests::EnvironmentVariable;

/// systemd's side: a datagram socket of this name.
class FakeSystemd {
public:
    explicit FakeSystemd(const std::string& name)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(name.begin(), name.end(), std::begin(address.sun_path));
        const bool abstract = name.starts_with('@');
        if (abstract) address.sun_path[0] = '\0';
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() +
                                                   (abstract ? 0 : 1));
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    }

    /// What was sent next. A datagram to a local socket is there once `send` has returned.
    [[nodiscard]] std::string heard() const {
        std::array<char, 4096> buffer{};
        const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(size));
    }

private:
    FileDescriptor socket_;
};

class SystemdNotify : public testing::Test {
protected:
    [[nodiscard]] std::string path() const { return (folder_.path() / "notify").string(); }

    const tests::TemporaryFolder folder_;
    EnvironmentVariable socket_{"NOTIFY_SOCKET", std::nullopt};
    EnvironmentVariable watchdog_{"WATCHDOG_USEC", std::nullopt};
    EnvironmentVariable watched_{"WATCHDOG_PID", std::nullopt};
};

TEST_F(SystemdNotify, TellsWhatHappens) {
    const FakeSystemd systemd(path());
    socket_.set(path());
    const auto notifier = SystemdNotifier::from_environment();
    notifier.ready("Consuming orders");
    EXPECT_EQ(systemd.heard(), "READY=1\nSTATUS=Consuming orders");
    notifier.status("Paused");
    EXPECT_EQ(systemd.heard(), "STATUS=Paused");
    notifier.watchdog();
    EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
    notifier.stopping();
    EXPECT_EQ(systemd.heard(), "STOPPING=1");
    notifier.extend(seconds(8));
    EXPECT_EQ(systemd.heard(), "EXTEND_TIMEOUT_USEC=8000000");
    notifier.extend(seconds(-1));
    EXPECT_EQ(systemd.heard(), "EXTEND_TIMEOUT_USEC=0");
}

TEST_F(SystemdNotify, AStatusIsOneLineWhateverIsInIt) {
    const FakeSystemd systemd(path());
    socket_.set(path());
    SystemdNotifier::from_environment().status("lost\nSTOPPING=1");
    EXPECT_EQ(systemd.heard(), "STATUS=lost\\nSTOPPING=1");
}

TEST_F(SystemdNotify, ASocketMayHaveNoFile) {
    const std::string name = "@rococo-notify-test-" + std::to_string(::getpid());
    const FakeSystemd systemd(name);
    socket_.set(name);
    SystemdNotifier::from_environment().watchdog();
    EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
}

TEST_F(SystemdNotify, WithoutSystemdNothingHappens) {
    const auto notifier = SystemdNotifier::from_environment();
    notifier.ready("up");
    EXPECT_EQ(notifier.watchdog_interval(), std::nullopt);
}

TEST_F(SystemdNotify, ASocketThatIsNotThereIsNoFailure) {
    for (const std::string& name : {path(), std::string("relative"), std::string("@"),
                                    std::string("/") + std::string(200, 'x')}) {
        socket_.set(name);
        watchdog_.set("30000000");
        const auto notifier = SystemdNotifier::from_environment();
        notifier.ready("up");
        EXPECT_EQ(notifier.watchdog_interval(), std::nullopt) << name;
    }
}

TEST_F(SystemdNotify, TheWatchdogIsFedTwiceInItsTime) {
    const FakeSystemd systemd(path());
    const auto interval = [&](const char* time, const std::optional<std::string>& process) {
        socket_.set(path());
        watchdog_.set(time);
        watched_.set(process);
        return SystemdNotifier::from_environment().watchdog_interval();
    };
    EXPECT_EQ(interval("30000000", std::nullopt), microseconds(15'000'000));
    EXPECT_EQ(interval("30000000", std::to_string(::getpid())), microseconds(15'000'000));
    EXPECT_EQ(interval("30000000", "1"), std::nullopt) << "another process is watched";
    for (const char* const wrong : {"", "0", "1", "-5", "30s", "99999999999999999999"})
        EXPECT_EQ(interval(wrong, std::nullopt), std::nullopt) << wrong;
}

TEST_F(SystemdNotify, ChildrenDoNotSpeakForTheHost) {
    const FakeSystemd systemd(path());
    socket_.set(path());
    watchdog_.set("30000000");
    watched_.set("1");
    (void)SystemdNotifier::from_environment();
    for (const char* const name : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
        EXPECT_EQ(std::getenv(name), nullptr) << name;
}

TEST_F(SystemdNotify, NeverWaitsForASystemdThatDoesNotRead) {
    const FakeSystemd systemd(path());
    socket_.set(path());
    const auto notifier = SystemdNotifier::from_environment();
    for (int i = 0; i < 10'000; ++i) notifier.watchdog();  // more than a socket's queue holds
    EXPECT_EQ(systemd.heard(), "WATCHDOG=1");
}

}  // namespace
}  // namespace rococo::svchost
