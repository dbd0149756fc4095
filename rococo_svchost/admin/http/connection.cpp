// SPDX-License-Identifier: MIT
#include "http/connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace rococo::svchost::http {
namespace {

// A close with unread bytes is a reset, which may overtake the answer (RFC 9112, section 9.6).
constexpr std::chrono::seconds kLinger{1};
constexpr std::size_t kReadBytes = std::size_t{16} * 1024;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

short Connection::events() const {
    switch (state_) {
        case State::reading:
        case State::lingering:
            return POLLIN;
        case State::writing:
            return POLLOUT;
        case State::complete:
        case State::answering:
        case State::closed:
            break;
    }
    return 0;
}

void Connection::proceed(SteadyTime now) {
    if (state_ == State::reading || state_ == State::lingering) return read(now);
    if (state_ == State::writing) write(now);
}

void Connection::expire(SteadyTime now) {
    if (state_ == State::reading) {
        answer(error_response(408, "The request was not complete within 5 seconds."), now);
    } else {
        state_ = State::closed;
    }
}

std::optional<HttpRequest> Connection::take_request() {
    if (state_ != State::complete) return std::nullopt;
    state_ = State::answering;
    HttpRequest request = reader_.take();
    with_body_ = request.method != "HEAD";
    return request;
}

void Connection::answer(const HttpResponse& response, SteadyTime now) {
    out_ = to_bytes(response, with_body_);
    written_ = 0;
    state_ = State::writing;
    deadline_ = now + kPatience;
    write(now);
}

std::optional<SteadyTime> Connection::deadline() const {
    if (events() == 0) return std::nullopt;
    return deadline_;
}

void Connection::read(SteadyTime now) {
    std::array<char, kReadBytes> buffer;
    const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size > 0) {
        if (state_ == State::reading)
            take_bytes({buffer.data(), static_cast<std::size_t>(size)}, now);
    } else if (size == 0 || !would_block(errno)) {
        state_ = State::closed;
    }
}

void Connection::take_bytes(std::string_view bytes, SteadyTime now) {
    const auto complete = reader_.add(bytes);
    if (!complete) {
        answer(error_response(complete.error().status, complete.error().sentence), now);
    } else if (*complete) {
        state_ = State::complete;
    } else if (reader_.take_expects_continue()) {
        // So few bytes fit into an empty buffer.
        constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
        static_cast<void>(::send(socket_.get(), kContinue.data(), kContinue.size(), MSG_NOSIGNAL));
    }
}

void Connection::write(SteadyTime now) {
    while (written_ < out_.size()) {
        const ssize_t size =
            ::send(socket_.get(), out_.data() + written_, out_.size() - written_, MSG_NOSIGNAL);
        if (size < 0) {
            if (!would_block(errno)) state_ = State::closed;
            return;
        }
        written_ += static_cast<std::size_t>(size);
    }
    linger(now);
}

void Connection::linger(SteadyTime now) {
    out_ = {};
    ::shutdown(socket_.get(), SHUT_WR);
    state_ = State::lingering;
    deadline_ = now + kLinger;
}

}  // namespace rococo::svchost::http
