// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/text.hpp"

namespace rococo::tests {

/// An answer, taken apart by other code than the server's.
struct RawResponse {
    int status = 0;
    std::map<std::string, std::string> headers;  ///< Names in lower case.
    std::string body;
};

inline RawResponse parse_response(const std::string& bytes) {
    RawResponse response;
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string::npos || !bytes.starts_with("HTTP/1.1 "))
        throw std::runtime_error("not an answer: '" + bytes + "'");
    response.status = std::stoi(bytes.substr(9, 3));
    std::string_view head = std::string_view(bytes).substr(0, end);
    while (true) {
        const std::size_t line_end = head.find("\r\n");
        if (line_end == std::string_view::npos) break;
        head.remove_prefix(line_end + 2);
        const std::string_view line = head.substr(0, head.find("\r\n"));
        const std::size_t colon = line.find(':');
        response.headers[to_lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
    }
    response.body = bytes.substr(end + 4);
    return response;
}

/// A connection on which a test sends any bytes at all.
class RawClient {
public:
    explicit RawClient(std::uint16_t port)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    explicit RawClient(const std::filesystem::path& path)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }

    /// Sends all of it; false if the server has closed.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const ssize_t size = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (size < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    /// Everything up to the server's end; empty if that does not come in time.
    [[nodiscard]] std::optional<std::string> read_all(
        std::chrono::milliseconds patience = std::chrono::seconds(60)) const {
        const auto until = std::chrono::steady_clock::now() + patience;
        std::string bytes;
        while (true) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                until - std::chrono::steady_clock::now());
            pollfd waiting{socket_.get(), POLLIN, 0};
            if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0)
                return std::nullopt;
            std::array<char, 65536> buffer{};
            const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (size <= 0) return bytes;
            bytes.append(buffer.data(), static_cast<std::size_t>(size));
        }
    }
    [[nodiscard]] RawResponse response() const {
        const auto bytes = read_all();
        if (!bytes) throw std::runtime_error("no answer");
        return parse_response(*bytes);
    }
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    void connect(const sockaddr* address, socklen_t size) const {
        if (::connect(socket_.get(), address, size) != 0)
            throw std::runtime_error("cannot connect");
    }

    FileDescriptor socket_;
};

}  // namespace rococo::tests
