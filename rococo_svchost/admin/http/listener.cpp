// SPDX-License-Identifier: MIT
#include "http/listener.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <string_view>
#include <system_error>

namespace rococo::svchost::http {
namespace {

Peer ipv4_peer(const in_addr& address, in_port_t port) {
    std::array<char, INET_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    constexpr unsigned kLoopbackNet = 127;
    return {.address = fmt::format("{}:{}", text.data(), ntohs(port)),
            .is_loopback = ntohl(address.s_addr) >> 24U == kLoopbackNet,
            .is_trusted = false};
}

Peer ipv6_peer(const sockaddr_in6& address) {
    const in6_addr& number = address.sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&number)) {
        in_addr mapped{};
        std::copy_n(&number.s6_addr[12], sizeof mapped, reinterpret_cast<unsigned char*>(&mapped));
        return ipv4_peer(mapped, address.sin6_port);
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    ::inet_ntop(AF_INET6, &number, text.data(), text.size());
    return {.address = fmt::format("[{}]:{}", text.data(), ntohs(address.sin6_port)),
            .is_loopback = IN6_IS_ADDR_LOOPBACK(&number) != 0,
            .is_trusted = false};
}

Peer peer_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET) {
        const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(address);
        return ipv4_peer(ipv4.sin_addr, ipv4.sin_port);
    }
    return ipv6_peer(reinterpret_cast<const sockaddr_in6&>(address));
}

}  // namespace

Listener::~Listener() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

Listener::Accepted Listener::accept() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    FileDescriptor socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) return {};
    if (!path_.empty())
        return {std::move(socket), {.address = "socket", .is_loopback = false, .is_trusted = true}};
    return {std::move(socket), peer_of(address)};
}

}  // namespace rococo::svchost::http
