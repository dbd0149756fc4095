// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::tests {

/// A server that answers each connection with whatever bytes a test wants, at a loopback port or a
/// Unix socket.
///
/// **Thread-safety**: all members may be called from any thread. The script is called from a thread
/// for each connection.
class ScriptedServer {
public:
    /// One connection: what was sent on it, and a way to answer.
    class Connection {
    public:
        Connection(int socket, std::string request, std::stop_token stop)
            : socket_(socket), request_(std::move(request)), stop_(std::move(stop)) {}

        /// Head and, with a Content-Length, body.
        [[nodiscard]] const std::string& request() const { return request_; }
        /// False once the client has gone.
        [[nodiscard]] bool send(std::string_view bytes) const {
            while (!bytes.empty()) {
                const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
                if (sent <= 0) return false;
                bytes.remove_prefix(static_cast<std::size_t>(sent));
            }
            return true;
        }
        /// Waits until the client or the server ends.
        void wait_for_end() const {
            pollfd polled{socket_, POLLRDHUP, 0};
            while (!stop_.stop_requested() && ::poll(&polled, 1, 10) == 0) {
            }
        }

    private:
        int socket_;
        std::string request_;
        std::stop_token stop_;
    };
    using Script = std::function<void(const Connection& connection)>;

    /// At a free port.
    explicit ScriptedServer(Script script)
        : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), script_(std::move(script)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        listen(reinterpret_cast<const sockaddr*>(&address), sizeof address);
        socklen_t size = sizeof address;
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    /// At a socket of this path.
    ScriptedServer(const std::filesystem::path& path, Script script)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), script_(std::move(script)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.native().copy(address.sun_path, sizeof address.sun_path - 1);
        listen(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    ~ScriptedServer() {
        accepting_.request_stop();
        ::shutdown(socket_.get(), SHUT_RDWR);
        accepting_.join();
        for (std::jthread& one : connections_) one.request_stop();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }

    /// An answer of HTTP.
    [[nodiscard]] static std::string response(std::string_view status, std::string_view body,
                                              std::string_view type = "application/json") {
        std::string text = "HTTP/1.1 ";
        text.append(status).append("\r\nContent-Type: ").append(type);
        text.append("\r\nContent-Length: ").append(std::to_string(body.size()));
        return text.append("\r\nConnection: close\r\n\r\n").append(body);
    }
    /// A script that always answers so.
    [[nodiscard]] static Script always(std::string bytes) {
        return [bytes = std::move(bytes)](const Connection& connection) {
            (void)connection.send(bytes);
        };
    }

private:
    void listen(const sockaddr* address, socklen_t size) {
        constexpr int kBacklog = 128;
        if (::bind(socket_.get(), address, size) != 0 || ::listen(socket_.get(), kBacklog) != 0)
            throw std::system_error(errno, std::generic_category(), "cannot listen");
        accepting_ = std::jthread([this](const std::stop_token& stop) { accept(stop); });
    }

    void accept(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const int socket = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) continue;
            connections_.emplace_back([this, socket](const std::stop_token& end) {
                const FileDescriptor owned(socket);
                script_(Connection(socket, read_request(socket), end));
            });
        }
    }

    static std::string read_request(int socket) {
        std::string request;
        std::array<char, 4096> buffer{};
        while (!is_complete(request)) {
            const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
            if (count <= 0) break;
            request.append(buffer.data(), static_cast<std::size_t>(count));
        }
        return request;
    }

    static bool is_complete(const std::string& request) {
        const std::size_t end = request.find("\r\n\r\n");
        if (end == std::string::npos) return false;
        const std::size_t length = request.find("Content-Length: ");
        if (length == std::string::npos || length > end) return true;
        constexpr std::size_t kName = 16;
        return request.size() >= end + 4 + std::stoul(request.substr(length + kName));
    }

    FileDescriptor socket_;
    std::string url_;
    Script script_;
    std::vector<std::jthread> connections_;  ///< Of the accepting thread, until it is joined.
    std::jthread accepting_;
};

}  // namespace rococo::tests
