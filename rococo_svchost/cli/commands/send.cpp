// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <span>

#include "commands.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

using messaging::MessageSender;
using messaging::OutgoingMessage;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxBatch = 1'000;
constexpr std::chrono::milliseconds kProgressInterval{200};

Result<OutgoingMessage> prototype(const SendArguments& arguments) {
    OutgoingMessage message{.body = {},
                            .id = arguments.id,
                            .content_type = arguments.content_type,
                            .correlation_id = arguments.correlation_id,
                            .headers = {}};
    for (const std::string& header : arguments.headers) {
        const std::size_t equals = header.find('=');
        if (equals == std::string::npos || equals == 0) {
            return failure(ErrorKind::usage,
                           fmt::format("--header {}: expected NAME=VALUE", header));
        }
        message.headers.emplace_back(header.substr(0, equals), header.substr(equals + 1));
    }
    return message;
}

/// Says on a terminal how many messages are safe in the queue, a few times a second.
class Progress {
public:
    explicit Progress(const Clock& clock)
        : clock_(clock), started_(clock.steady_now()), on_terminal_(::isatty(STDERR_FILENO) == 1) {}

    void add(std::size_t messages) {
        sent_ += messages;
        const SteadyTime now = clock_.steady_now();
        if (!on_terminal_ || now - shown_ < kProgressInterval) return;
        shown_ = now;
        std::cerr << "\r" << line() << std::flush;
    }
    void finish() const { std::cerr << (on_terminal_ ? "\r" : "") << line() << '\n'; }
    [[nodiscard]] std::size_t sent() const { return sent_; }

private:
    [[nodiscard]] std::string line() const {
        const std::chrono::duration<double> elapsed = clock_.steady_now() - started_;
        return fmt::format("{} sent, {:.0f}/s", sent_,
                           static_cast<double>(sent_) / std::max(elapsed.count(), 1e-6));
    }

    const Clock& clock_;
    SteadyTime started_;
    SteadyTime shown_{};
    bool on_terminal_;
    std::size_t sent_ = 0;
};

/// Cuts standard input into lines as it arrives, so that a slow producer's messages are not held
/// back and a fast one's go in batches.
class LineReader {
public:
    /// Appends the bodies of the lines that one read brought. False at the end of the input.
    Result<bool> read(std::vector<std::string>& lines) {
        ssize_t count = 0;
        do {
            count = ::read(STDIN_FILENO, buffer_.data(), buffer_.size());
        } while (count < 0 && errno == EINTR);
        if (count < 0) {
            return failure(ErrorKind::unavailable,
                           fmt::format("cannot read standard input: {}", std::strerror(errno)));
        }
        if (count == 0) {
            if (!rest_.empty()) lines.push_back(std::exchange(rest_, {}));
            return false;
        }
        rest_.append(buffer_.data(), static_cast<std::size_t>(count));
        std::size_t begin = 0;
        for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos;
             begin = end + 1) {
            if (end > begin) lines.push_back(rest_.substr(begin, end - begin));
        }
        rest_.erase(0, begin);
        return true;
    }

private:
    std::vector<char> buffer_ = std::vector<char>(kReadBytes);
    std::string rest_;
};

Result<void> send_lines(MessageSender& sender, const SendArguments& arguments,
                        const OutgoingMessage& prototype, Progress& progress) {
    LineReader reader;
    std::vector<std::string> lines;
    std::vector<OutgoingMessage> batch;
    for (bool more = true; more;) {
        lines.clear();
        const auto read = reader.read(lines);
        if (!read) return tl::unexpected(read.error());
        more = *read;
        for (std::size_t first = 0; first < lines.size(); first += kMaxBatch) {
            const std::size_t count = std::min(kMaxBatch, lines.size() - first);
            batch.assign(count, prototype);
            for (std::size_t i = 0; i < count; ++i) batch[i].body = std::move(lines[first + i]);
            if (auto sent = sender.send(arguments.queue, batch); !sent) return sent;
            progress.add(count);
        }
    }
    return {};
}

}  // namespace

int send(const SendArguments& arguments) {
    if (arguments.queue.empty()) return complain({ErrorKind::usage, "the queue's name is empty"});
    const auto message = prototype(arguments);
    if (!message) return complain(message.error());
    const auto session = open_session(arguments.folder);
    if (!session) return complain(session.error());
    const auto sender = (*session)->messaging->sender();
    if (!sender) return complain(sender.error());

    if (arguments.body != "-") {
        OutgoingMessage single = *message;
        single.body = arguments.body;
        if (const auto sent = (*sender)->send(arguments.queue, single); !sent) {
            return complain(sent.error());
        }
        return 0;
    }
    if (!arguments.id.empty()) {
        return complain({ErrorKind::usage, "--id names one message; standard input holds many"});
    }
    Progress progress((*session)->clock);
    const auto sent = send_lines(**sender, arguments, *message, progress);
    progress.finish();
    if (!sent) {
        return complain({sent.error().kind, fmt::format("after {} messages: {}", progress.sent(),
                                                        sent.error().message)});
    }
    return 0;
}

}  // namespace rococo::svchost::cli
