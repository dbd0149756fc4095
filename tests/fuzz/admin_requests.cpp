// SPDX-License-Identifier: MIT
// What a client of the admin server may send: any bytes, in any parts. Whatever it is, the answer
// is whole and says its own length, or there is none; and nobody without the token gets the host
// to do anything.
//
// The input is a byte for who asks, a byte for where the bytes are parted, and the bytes.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "admin_routes.hpp"
#include "history_recorder.hpp"
#include "http/connection.hpp"
#include "rococo_svchost/admin/fake_host.hpp"

namespace {

using namespace rococo;
using svchost::http::Connection;
using svchost::http::Peer;

constexpr std::string_view kToken = "xyz";

void require(bool condition) {
    if (!condition) std::abort();
}

/// Made once: the recorder has a thread.
struct Server {
    RealClock clock;
    tests::FakeHost host;
    svchost::HistoryRecorder history{host, clock};
    svchost::AdminRoutes with_token{
        host, history, clock, Logger(), {.token = std::string(kToken), .read_only = false}, {}};
    svchost::AdminRoutes read_only{host, history, clock, Logger(), {.token = {}, .read_only = true},
                                   {}};
};

Peer peer_of(std::uint8_t choice) {
    if (choice % 4 == 0) return {.address = "socket", .is_loopback = false, .is_trusted = true};
    return {.address = "127.0.0.1:1", .is_loopback = choice % 4 == 1, .is_trusted = false};
}

std::string received(const FileDescriptor& socket) {
    std::string bytes;
    std::array<char, 65536> buffer{};
    while (true) {
        const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) return bytes;
        bytes.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

void check_answer(std::string_view answer) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    if (answer.starts_with(kContinue)) answer.remove_prefix(kContinue.size());
    if (answer.empty()) return;
    require(answer.starts_with("HTTP/1.1 "));
    const std::size_t end = answer.find("\r\n\r\n");
    require(end != std::string_view::npos);
    constexpr std::string_view kLength = "\r\nContent-Length: ";
    const std::size_t length = answer.substr(0, end).find(kLength);
    if (length == std::string_view::npos) return;  // 304
    const auto size = static_cast<std::size_t>(
        std::atol(std::string(answer.substr(length + kLength.size(), 10)).c_str()));
    const std::size_t body = answer.size() - end - 4;
    require(body == size || body == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Server server;
    if (size < 2) return 0;
    const std::uint8_t choice = data[0];
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const Peer peer = peer_of(choice);
    svchost::AdminRoutes& routes = choice % 8 < 4 ? server.with_token : server.read_only;
    const std::size_t actions = server.host.actions().size();

    std::array<int, 2> ends{};
    require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    const FileDescriptor client(ends[1]);
    const SteadyTime now;
    FileDescriptor accepted(ends[0]);
    Connection connection(std::move(accepted), peer, now);
    const std::size_t part = std::min<std::size_t>(data[1], bytes.size());
    for (const std::string_view piece : {bytes.substr(0, part), bytes.substr(part)}) {
        if (piece.empty() || !connection.is_idle()) continue;
        (void)::send(client.get(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        connection.proceed(now);
    }
    if (const auto request = connection.take_request()) {
        (void)routes.is_slow(*request);
        connection.answer(routes.handle(*request, peer), now);
        const bool may_act = &routes == &server.with_token &&
                             (peer.is_trusted || bytes.find(kToken) != std::string_view::npos);
        require(may_act || server.host.actions().size() == actions);
    } else {
        connection.expire(now);
    }
    check_answer(received(client));
    return 0;
}
