// SPDX-License-Identifier: MIT
#include "systemd_notify.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;

std::string take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::string taken = value == nullptr ? "" : value;
    ::unsetenv(name);
    return taken;
}

/// A datagram socket to systemd's, which is a file (`/run/systemd/notify`) or has a name that is
/// none (`@…`, a zero byte at its beginning instead).
FileDescriptor connect_to(std::string_view name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool abstract = name.starts_with('@');
    const std::size_t room = sizeof address.sun_path - (abstract ? 0 : 1);
    if (name.size() < 2 || name.size() > room || !(abstract || name.starts_with('/'))) return {};
    std::copy(name.begin(), name.end(), std::begin(address.sun_path));
    if (abstract) address.sun_path[0] = '\0';
    // The length tells where an abstract name ends; a path ends at its zero byte.
    const std::size_t length = offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1);
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.is_open() || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
                                       static_cast<socklen_t>(length)) != 0) {
        return {};
    }
    return socket;
}

}  // namespace

SystemdNotifier SystemdNotifier::from_environment() {
    SystemdNotifier notifier;
    const std::string socket = take_variable("NOTIFY_SOCKET");
    const auto watchdog = parse_number<std::int64_t>(take_variable("WATCHDOG_USEC"));
    const std::string watched = take_variable("WATCHDOG_PID");
    if (!socket.empty()) notifier.socket_ = connect_to(socket);
    const bool is_watched = watched.empty() || watched == std::to_string(::getpid());
    if (notifier.socket_.is_open() && is_watched && watchdog && *watchdog > 1)
        notifier.watchdog_interval_ = microseconds(*watchdog / 2);
    return notifier;
}

void SystemdNotifier::ready(std::string_view status) const {
    send(fmt::format("READY=1\nSTATUS={}", printable(status)));
}

void SystemdNotifier::status(std::string_view text) const {
    // Escaped: a line break in it would begin an assignment of its own.
    send(fmt::format("STATUS={}", printable(text)));
}

void SystemdNotifier::stopping() const { send("STOPPING=1"); }

void SystemdNotifier::extend(microseconds time) const {
    send(fmt::format("EXTEND_TIMEOUT_USEC={}", std::max<std::int64_t>(time.count(), 0)));
}

void SystemdNotifier::watchdog() const { send("WATCHDOG=1"); }

void SystemdNotifier::send(std::string_view message) const {
    if (!socket_.is_open()) return;
    // Never waits: a systemd that does not read must not hold up messages.
    (void)::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace rococo::svchost
