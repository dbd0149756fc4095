// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "http/listener.hpp"

namespace rococo::svchost::http {
namespace {

constexpr int kBacklog = 128;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<Addresses> resolve(const std::string& address, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found);
    Addresses addresses(found, &::freeaddrinfo);
    if (error == 0) return addresses;
    return failure(ErrorKind::configuration,
                   fmt::format("ADMIN_ADDRESS={}: {}; expected is an address of this machine, such "
                               "as 127.0.0.1 or 0.0.0.0",
                               address, ::gai_strerror(error)));
}

Error bind_failure(const std::string& address, std::uint16_t port, int error) {
    switch (error) {
        case EADDRINUSE:
            return {ErrorKind::configuration,
                    fmt::format("ADMIN_PORT={}: another process listens on this port at {}; stop "
                                "it, or choose another port",
                                port, address)};
        case EACCES:
            return {ErrorKind::configuration,
                    fmt::format("ADMIN_PORT={}: this user may not listen on this port; choose one "
                                "from 1024 on",
                                port)};
        case EADDRNOTAVAIL:
            return {ErrorKind::configuration,
                    fmt::format("ADMIN_ADDRESS={}: this machine does not have this address; "
                                "127.0.0.1 is for itself only, 0.0.0.0 is all it has",
                                address)};
        default:
            return {ErrorKind::unavailable,
                    fmt::format("Cannot listen at {} port {} (ADMIN_PORT): {}", address, port,
                                std::strerror(error))};
    }
}

void switch_on(int socket, int level, int option) {
    const int on = 1;
    ::setsockopt(socket, level, option, &on, sizeof on);
}

std::uint16_t port_of(int socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                     : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open_tcp(const std::string& address,
                                                     std::uint16_t port) {
    const auto addresses = resolve(address, port);
    if (!addresses) return tl::unexpected(addresses.error());
    const addrinfo& first = **addresses;
    FileDescriptor socket(
        ::socket(first.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket.is_open()) return tl::unexpected(bind_failure(address, port, errno));
    // A restart need not wait for the connections of the host before it. With SO_REUSEPORT, two
    // hosts would share the port, and each probe would reach one of them at random.
    switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    if (first.ai_family == AF_INET6) {
        const int off = 0;  // `::` is IPv4 too
        ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (::bind(socket.get(), first.ai_addr, first.ai_addrlen) != 0 ||
        ::listen(socket.get(), kBacklog) != 0)
        return tl::unexpected(bind_failure(address, port, errno));
    const std::uint16_t actual = port_of(socket.get());
    return std::unique_ptr<Listener>(new Listener(std::move(socket), actual, {}));
}

}  // namespace rococo::svchost::http
