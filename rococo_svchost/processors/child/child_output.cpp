// SPDX-License-Identifier: MIT
#include "child_output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::svchost::child {

namespace {

using Json = nlohmann::json;

// Longer lines are passed on in parts.
constexpr std::size_t kLongestLine = std::size_t{64} * 1024;
// How much of a stream is read before others have their turn.
constexpr std::size_t kAtOnce = std::size_t{256} * 1024;
constexpr int kAnswerTimeoutMs = 30'000;

}  // namespace

ChildOutput::ChildOutput(ChildProcess& process, ChildLog& log)
    : process_(process),
      log_(log),
      output_{"stdout", process.output()},
      errors_{"stderr", process.errors()},
      thread_([this] { work(); }) {}

ChildOutput::~ChildOutput() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify();
    thread_.join();
    pump_locked();
    pass_on_lines(output_, true);
    pass_on_lines(errors_, true);
}

void ChildOutput::send_by(messaging::MessageSender& sender) {
    const std::scoped_lock lock(mutex_);
    sender_ = &sender;
}

void ChildOutput::pump() {
    const std::scoped_lock lock(mutex_);
    pump_locked();
}

bool ChildOutput::is_stopping() {
    const std::scoped_lock lock(mutex_);
    return stopping_;
}

void ChildOutput::work() {
    while (!is_stopping()) {
        auto watched = watched_descriptors();
        const bool may_wait = wake_.begin_wait();
        ::poll(watched.data(), watched.size(), may_wait ? -1 : 0);
        wake_.end_wait((watched[3].revents & POLLIN) != 0);
        (void)wake_.take();
        pump();
        carry_out();
    }
}

std::array<pollfd, 5> ChildOutput::watched_descriptors() {
    const bool lives = !process_.end();
    const std::scoped_lock lock(mutex_);
    return {{{output_.open ? output_.descriptor : -1, POLLIN, 0},
             {errors_.open ? errors_.descriptor : -1, POLLIN, 0},
             {calls_open_ ? process_.calls() : -1, POLLIN, 0},
             {wake_.fd(), POLLIN, 0},
             {lives ? process_.ended_descriptor() : -1, POLLIN, 0}}};
}

void ChildOutput::pump_locked() {
    read_lines(output_);
    read_lines(errors_);
    read_calls();
}

void ChildOutput::read_lines(Lines& lines) {
    std::array<char, 16'384> part{};
    for (std::size_t read = 0; lines.open && read < kAtOnce;) {
        const ssize_t got = ::read(lines.descriptor, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        lines.open = got > 0;
        lines.begun.append(part.data(), static_cast<std::size_t>(got));
        read += static_cast<std::size_t>(got);
        pass_on_lines(lines, !lines.open);
    }
}

void ChildOutput::pass_on_lines(Lines& lines, bool at_end) {
    std::string_view left = lines.begun;
    while (!left.empty()) {
        const std::size_t end = left.find('\n');
        if (end == std::string_view::npos && left.size() < kLongestLine && !at_end) break;
        const std::string_view line = left.substr(0, std::min(end, kLongestLine));
        log_.pass_on(lines.stream, line);
        left.remove_prefix(std::min(left.size(), line.size() + (line.size() == end ? 1 : 0)));
    }
    lines.begun.erase(0, lines.begun.size() - left.size());
}

void ChildOutput::read_calls() {
    if (!calls_open_) return;
    calls_open_ = calls_.read(process_.calls());
    if (const auto taken = take_calls(); !taken) {
        calls_open_ = false;
        log_.log("ERROR", "child", __LINE__,
                 fmt::format("The processor's process {} is ended, since {}", process_.pid(),
                             taken.error().message));
        process_.kill();
    }
}

Result<void> ChildOutput::take_calls() {
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto frame, calls_.next());
        if (!frame) return {};
        ROCOCO_TRY(take(*frame));
    }
}

Result<void> ChildOutput::take(const Frame& frame) {
    if (frame.kind == static_cast<std::uint8_t>(Report::log)) {
        ROCOCO_ASSIGN_OR_RETURN(const LogLine line, read_log_line(frame));
        log_.log(line.level, line.module, line.line, line.text);
    } else if (frame.kind == static_cast<std::uint8_t>(Report::send)) {
        ROCOCO_ASSIGN_OR_RETURN(auto request, read_send_request(frame));
        requests_.push_back(std::move(request));
        wake_.notify();  // where it is the worker who pumps
    } else if ((frame.kind & kMayBeIgnored) == 0) {
        return failure(ErrorKind::service,
                       fmt::format("it sent a frame of unknown kind {}", frame.kind));
    }
    return {};
}

void ChildOutput::carry_out() {
    std::unique_lock lock(mutex_);
    while (!requests_.empty() && !stopping_) {
        const SendRequest request = std::move(requests_.front());
        requests_.pop_front();
        messaging::MessageSender* const sender = sender_;
        lock.unlock();
        answer(request.seq, sender == nullptr ? failure(ErrorKind::unavailable,
                                                        "the host is not connected to a queue yet")
                                              : sender->send(request.queue, request.message));
        lock.lock();
    }
}

void ChildOutput::answer(std::uint64_t seq, const Result<void>& sent) {
    std::string frame;
    append_frame(frame, sent ? Order::sent : Order::not_sent,
                 sent ? ""
                      : Json{{"error", sent.error().message}}.dump(-1, ' ', true,
                                                                   Json::error_handler_t::replace),
                 seq);
    for (std::string_view left = frame; !left.empty();) {
        const ssize_t written =
            ::send(process_.calls(), left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written >= 0) {
            left.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        std::array<pollfd, 2> watched{
            {{process_.calls(), POLLOUT, 0}, {process_.ended_descriptor(), POLLIN, 0}}};
        const bool full = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        // Who does not read its answers is beyond help; it is found by PROCESS_TIMEOUT.
        if (!full || ::poll(watched.data(), watched.size(), kAnswerTimeoutMs) <= 0 ||
            watched[1].revents != 0)
            return;
    }
}

}  // namespace rococo::svchost::child
