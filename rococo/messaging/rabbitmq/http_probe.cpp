// SPDX-License-Identifier: MIT
#include "http_probe.hpp"

#include <amqp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <string_view>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::messaging {

bool speaks_http(const RabbitMqAddress& address, std::chrono::milliseconds timeout) {
    // A connected socket is all that is wanted; rabbitmq-c resolves the name as it did before.
    const FileDescriptor socket(amqp_open_socket(address.host.c_str(), address.port));
    if (!socket.is_open()) return false;
    const timeval limit{.tv_sec = timeout.count() / 1000, .tv_usec = timeout.count() % 1000 * 1000};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    constexpr std::string_view kRequest = "GET / HTTP/1.0\r\n\r\n";
    if (::send(socket.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL) <= 0) return false;
    pollfd readable{.fd = socket.get(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, static_cast<int>(timeout.count())) <= 0) return false;
    std::array<char, 5> answer{};
    return ::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT) == 5 &&
           std::string_view(answer.data(), answer.size()) == "HTTP/";
}

}  // namespace rococo::messaging
