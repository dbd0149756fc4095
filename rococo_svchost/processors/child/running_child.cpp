// SPDX-License-Identifier: MIT
#include "running_child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "pipes.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/poll_timeout.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost::child {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Json = nlohmann::json;

constexpr std::chrono::seconds kStopTime{1};

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
    auto work = socket_pair();
    auto calls = socket_pair();
    auto output = pipe_from_them();
    auto errors = pipe_from_them();
    const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!work || !calls || !output || !errors || !nothing.is_open())
        return failure(ErrorKind::service, fmt::format("cannot start {}: {}", command.path,
                                                       std::generic_category().message(errno)));
    const std::array<int, 6> theirs{nothing.get(),      output->theirs.get(), errors->theirs.get(),
                                    work->theirs.get(), calls->theirs.get(),  page.descriptor()};
    ROCOCO_ASSIGN_OR_RETURN(auto process, ChildProcess::start(command, theirs));
    std::unique_ptr<RunningChild> child(new RunningChild(page));
    child->process_ = std::move(process);
    child->streams_ = {std::move(work->ours), std::move(calls->ours), std::move(output->ours),
                       std::move(errors->ours)};
    child->output_ = std::make_unique<ChildOutput>(*child->process_, child->streams_, log);
    return child;
}

RunningChild::~RunningChild() {
    finish_within(kStopTime);
    process_->kill();
    (void)process_->wait_for_end();
}

void RunningChild::finish_within(milliseconds time) {
    ::shutdown(streams_.work.get(), SHUT_WR);  // means: finish and exit
    (void)process_->end_within(time);
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
        const ssize_t sent = ::sendmsg(streams_.work.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
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

void RunningChild::pass_on_traceback(std::string_view traceback) {
    output_->log("WARNING", "child_processor", __LINE__, traceback);
}

void RunningChild::keep_unsent() {
    if (!has_unsent()) return;
    std::string kept;
    for (std::size_t i = unsent_; i < parts_.size(); ++i)
        kept.append(static_cast<const char*>(parts_[i].iov_base), parts_[i].iov_len);
    kept_ = std::move(kept);
    parts_.assign(1, {kept_.data(), kept_.size()});
    unsent_ = 0;
}

void RunningChild::wait(steady_clock::time_point until) {
    std::array<pollfd, 2> watched{
        {{streams_.work.get(), static_cast<short>(has_unsent() ? POLLIN | POLLOUT : POLLIN), 0},
         {process_->ended_descriptor(), POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), poll_timeout(until, steady_clock::now()));
}

}  // namespace rococo::svchost::child
