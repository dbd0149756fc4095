// SPDX-License-Identifier: MIT
#include "tcp_probe.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::messaging {
namespace {

/// 0, or the errno of a connection that is not made within the time.
int connect_error(const addrinfo& address, std::chrono::milliseconds timeout) {
    const FileDescriptor socket(
        ::socket(address.ai_family, address.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return errno;
    if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    pollfd writable{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, static_cast<int>(timeout.count())) <= 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

std::string why_unreachable(const RabbitMqAddress& address, std::chrono::milliseconds timeout) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) !=
        0)
        return {};
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    int last = 0;
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        last = connect_error(*one, timeout);
        if (last == 0) return {};
    }
    return std::generic_category().message(last);
}

}  // namespace rococo::messaging
