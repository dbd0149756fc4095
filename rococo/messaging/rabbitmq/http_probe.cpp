// SPDX-License-Identifier: MIT
#include "http_probe.hpp"

#include <amqp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

namespace rococo::messaging {
namespace {

/// A connected TCP socket, or -1. `connect` is bounded by the kernel's send timeout.
int connect_to(const RabbitMqAddress& address, const timeval& timeout) {
    // A connected socket is all that is wanted; rabbitmq-c resolves the name as it did before.
    const int fd = amqp_open_socket(address.host.c_str(), address.port);
    if (fd < 0) return -1;
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    return fd;
}

}  // namespace

bool speaks_http(const RabbitMqAddress& address, std::chrono::milliseconds timeout) {
    const timeval limit{.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
    const int fd = connect_to(address, limit);
    if (fd < 0) return false;
    constexpr std::string_view kRequest = "GET / HTTP/1.0\r\n\r\n";
    std::array<char, 5> answer{};
    ssize_t got = 0;
    if (::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) > 0) {
        pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&readable, 1, static_cast<int>(timeout.count())) > 0)
            got = ::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
    }
    ::close(fd);
    return got == 5 && std::string_view(answer.data(), answer.size()) == "HTTP/";
}

}  // namespace rococo::messaging
