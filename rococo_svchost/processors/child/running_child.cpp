// SPDX-License-Identifier: MIT
#include "running_child.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <nlohmann/json.hpp>
#include <utility>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost::child {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::chrono::seconds kStopTime{1};
// Asks Python's faulthandler for the stacks of all threads.
constexpr int kStackSignal = 40;

/// What the child could not do, as an operator reads it: a line, then the traceback's lines.
std::string refusal(std::string_view text) {
    try {
        const Json meta = Json::parse(text);
        std::string said = meta.value("text", "the processor cannot be used");
        for (const auto& candidate : meta.value("candidates", std::vector<std::string>()))
            said += "\n  " + candidate;
        if (const auto traceback = meta.value("traceback", ""); !traceback.empty())
            said += "\n" + traceback;
        return said;
    } catch (const Json::exception& error) {
        return fmt::format("the processor's process refused to start: {}", error.what());
    }
}

}  // namespace

Result<std::unique_ptr<RunningChild>> RunningChild::start(const ChildCommand& command,
                                                          ChildPage& page, ChildLog& log) {
    page.reset();
    ROCOCO_ASSIGN_OR_RETURN(auto process, ChildProcess::start(command, page.descriptor()));
    std::unique_ptr<RunningChild> child(new RunningChild(page));
    child->process_ = std::move(process);
    child->output_ = std::make_unique<ChildOutput>(*child->process_, log);
    return child;
}

RunningChild::~RunningChild() {
    ::shutdown(process_->work(), SHUT_WR);  // means: finish and exit
    if (!process_->end_within(kStopTime)) process_->kill();
    (void)process_->wait_for_end();
}

Result<std::string> RunningChild::ask(Order order, std::string_view meta, Report answer,
                                      milliseconds timeout) {
    std::string frame;
    append_frame(frame, order, meta);
    const iovec part{frame.data(), frame.size()};
    write({&part, 1});
    const auto until = steady_clock::now() + timeout;
    while (true) {
        const auto end = process_->end();  // before the last words are read
        const bool open = read();
        while (true) {
            ROCOCO_ASSIGN_OR_RETURN(const auto said, next());
            if (!said) break;
            ROCOCO_ASSIGN_OR_RETURN(auto answered, answer_to(*said, answer));
            if (answered) return std::move(*answered);
        }
        if (end) {
            output_->pump();
            return failure(ErrorKind::service,
                           fmt::format("the processor's process ended at its start: {}", *end));
        }
        if (!open || !flush()) {
            process_->kill();
        } else if (steady_clock::now() >= until) {
            return failure(ErrorKind::service,
                           fmt::format("the processor was not ready after {}: a constructor or an "
                                       "import takes too long (PROCESSOR_START_TIMEOUT)",
                                       format_duration(timeout)));
        }
        wait(until);
    }
}

Result<std::optional<std::string>> RunningChild::answer_to(const Frame& frame, Report expected) {
    if (frame.kind == static_cast<std::uint8_t>(expected))
        return std::optional(std::string(frame.meta));
    if (frame.kind == static_cast<std::uint8_t>(Report::refused)) {
        output_->pump();
        return failure(ErrorKind::service, refusal(frame.meta));
    }
    if ((frame.kind & kMayBeIgnored) != 0) return std::nullopt;
    return failure(
        ErrorKind::service,
        fmt::format("the processor's process answered with a frame of kind {}", frame.kind));
}

void RunningChild::ask_for_stack() { process_->signal(kStackSignal); }

void RunningChild::write(std::span<const iovec> parts) {
    parts_.assign(parts.begin(), parts.end());
    unsent_ = 0;
    (void)flush();
}

bool RunningChild::flush() {
    while (has_unsent()) {
        msghdr message{};
        message.msg_iov = &parts_[unsent_];
        message.msg_iovlen = std::min<std::size_t>(parts_.size() - unsent_, IOV_MAX);
        const ssize_t sent = ::sendmsg(process_->work(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        auto left = static_cast<std::size_t>(sent);
        while (has_unsent() && left >= parts_[unsent_].iov_len) left -= parts_[unsent_++].iov_len;
        if (!has_unsent()) break;
        parts_[unsent_].iov_base = static_cast<char*>(parts_[unsent_].iov_base) + left;
        parts_[unsent_].iov_len -= left;
    }
    return true;
}

void RunningChild::wait(steady_clock::time_point until) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
    std::array<pollfd, 2> watched{
        {{process_->work(), static_cast<short>(has_unsent() ? POLLIN | POLLOUT : POLLIN), 0},
         {process_->ended_descriptor(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(),
           static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX)));
}

}  // namespace rococo::svchost::child
