// SPDX-License-Identifier: MIT
#include "child_output.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::svchost::child {

namespace {

using Json = nlohmann::json;

constexpr int kAnswerTimeoutMs = 30'000;

}  // namespace

ChildOutput::ChildOutput(ChildProcess& process, const ChildStreams& streams, ChildLog& log)
    : process_(process),
      calls_descriptor_(streams.calls.get()),
      on_output_([&log](std::string_view line) { log.pass_on("stdout", line); }),
      on_error_([&log](std::string_view line) { log.pass_on("stderr", line); }),
      log_(log),
      output_(streams.output.get()),
      errors_(streams.errors.get()),
      thread_([this] { work(); }) {}

ChildOutput::~ChildOutput() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
    }
    wake_.notify();
    thread_.join();
    pump_locked();
    output_.finish(on_output_);
    errors_.finish(on_error_);
}

void ChildOutput::send_by(messaging::MessageSender& sender) {
    const std::scoped_lock lock(mutex_);
    sender_ = &sender;
}

void ChildOutput::log(std::string_view level, std::string_view module, unsigned line,
                      std::string_view text) {
    log_.log(level, module, line, text);
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
    return {{{output_.is_open() ? output_.descriptor() : -1, POLLIN, 0},
             {errors_.is_open() ? errors_.descriptor() : -1, POLLIN, 0},
             {calls_open_ ? calls_descriptor_ : -1, POLLIN, 0},
             {wake_.fd(), POLLIN, 0},
             {lives ? process_.ended_descriptor() : -1, POLLIN, 0}}};
}

void ChildOutput::pump_locked() {
    output_.read(on_output_);
    errors_.read(on_error_);
    read_calls();
}

void ChildOutput::read_calls() {
    if (!calls_open_) return;
    calls_open_ = calls_.read(calls_descriptor_);
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
            ::send(calls_descriptor_, left.data(), left.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written >= 0) {
            left.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        std::array<pollfd, 2> watched{
            {{calls_descriptor_, POLLOUT, 0}, {process_.ended_descriptor(), POLLIN, 0}}};
        const bool full = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        // Who does not read its answers is beyond help; it is found by PROCESS_TIMEOUT.
        if (!full || ::poll(watched.data(), watched.size(), kAnswerTimeoutMs) <= 0 ||
            watched[1].revents != 0)
            return;
    }
}

}  // namespace rococo::svchost::child
