// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using messaging::MessageSender;
using messaging::OutgoingMessage;

constexpr std::size_t kReadBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxBatch = 1'000;
constexpr std::size_t kMostShownBytes = 60;  // of a body, in an error
constexpr std::chrono::milliseconds kProgressInterval{200};

Result<OutgoingMessage> prototype(const SendArguments& arguments) {
    OutgoingMessage message{.body = {},
                            .id = arguments.id,
                            .content_type = arguments.content_type,
                            .correlation_id = arguments.correlation_id,
                            .headers = {},
                            .content_encoding = arguments.content_encoding,
                            .reply_to = arguments.reply_to,
                            .type = arguments.type,
                            .app_id = arguments.app_id,
                            .priority = {}};
    if (arguments.priority) message.priority = static_cast<std::uint8_t>(*arguments.priority);
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

/// On a terminal, shows how many messages are safe in the queue, a few times a second.
class Progress {
public:
    /// `target`: the queue and its broker.
    Progress(const Clock& clock, std::string target)
        : clock_(clock),
          target_(std::move(target)),
          started_(clock.steady_now()),
          on_terminal_(::isatty(STDERR_FILENO) == 1) {}

    void add(std::size_t messages) {
        sent_ += messages;
        const SteadyTime now = clock_.steady_now();
        if (!on_terminal_ || now - shown_ < kProgressInterval) return;
        shown_ = now;
        std::cerr << "\r" << line() << std::flush;
    }
    void finish() const {
        std::cerr << (on_terminal_ ? "\r" : "") << fitted_message(line() + ", to " + target_)
                  << '\n';
    }
    [[nodiscard]] std::size_t sent() const { return sent_; }

private:
    [[nodiscard]] std::string line() const {
        const std::chrono::duration<double> elapsed = clock_.steady_now() - started_;
        return fmt::format("{} sent, {:.0f}/s", sent_,
                           static_cast<double>(sent_) / std::max(elapsed.count(), 1e-6));
    }

    const Clock& clock_;
    std::string target_;
    SteadyTime started_;
    SteadyTime shown_{};
    bool on_terminal_;
    std::size_t sent_ = 0;
};

/// Splits standard input into lines as it arrives, so that a slow producer's messages are sent at
/// once and a fast one's in batches.
class LineReader {
public:
    /// Reads once and appends the bodies of the complete lines. False at the end of the input.
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

Result<void> send_lines(MessageSender& sender, const std::string& queue,
                        const OutgoingMessage& prototype, Progress& progress) {
    LineReader reader;
    std::vector<std::string> lines;
    std::vector<OutgoingMessage> batch;
    for (bool more = true; more;) {
        lines.clear();
        ROCOCO_ASSIGN_OR_RETURN(more, reader.read(lines));
        for (std::size_t first = 0; first < lines.size(); first += kMaxBatch) {
            const std::size_t count = std::min(kMaxBatch, lines.size() - first);
            batch.assign(count, prototype);
            for (std::size_t i = 0; i < count; ++i) batch[i].body = std::move(lines[first + i]);
            ROCOCO_TRY(sender.send(queue, batch));
            progress.add(count);
        }
    }
    return {};
}

/// The queue, and warnings about it that do not prevent sending.
struct Target {
    std::string queue;
    std::vector<std::string> warnings;
};

/// Rejects a body that its service could not read. Lines of standard input are not looked at: they
/// come from programs, and this would halve the speed.
Result<void> check_body(const SendArguments& arguments) {
    const std::string& body = arguments.body;
    if (body == "-" || arguments.content_type != "application/json" ||
        !arguments.content_encoding.empty())
        return {};
    std::size_t at = 0;
    try {
        const auto parsed = nlohmann::json::parse(body);
        return {};
    } catch (const nlohmann::json::parse_error& error) {
        at = error.byte;
    } catch (const nlohmann::json::exception&) {  // JSON with a number out of range
        return {};
    }
    // A single argument may be a queue, with the body forgotten.
    const bool may_be_queue =
        arguments.to_service && body.find_first_of(" \t\n{\"") == std::string::npos;
    return failure(
        ErrorKind::usage,
        fmt::format("'{}' is not JSON ({}): {}give its type, such as --content-type text/plain",
                    beginning(body, kMostShownBytes),
                    at > body.size() ? "it ends too early" : fmt::format("at byte {}", at),
                    may_be_queue ? fmt::format("if it is a queue, the body is missing (svchost "
                                               "send {} BODY); if it is the body, ",
                                               body)
                                 : "mend it, or "));
}

/// A mistyped queue name creates a queue that nobody reads, so warn. (The sender of SQS does.)
Result<Target> find_target(const Session& session, const SendArguments& arguments) {
    const Configuration& configuration = session.configuration;
    if (arguments.to_service) {
        ROCOCO_ASSIGN_OR_RETURN(auto queue, service_queue(session));
        return Target{std::move(queue), {}};
    }
    Target target{arguments.queue, {}};
    const auto configured = configured_queues(configuration);
    if (std::find(configured.begin(), configured.end(), target.queue) != configured.end())
        return target;
    ROCOCO_ASSIGN_OR_RETURN(const auto exists, session.queue_kind->has_queue(target.queue));
    const std::string& prefix = configuration.text("QUEUE_NAME_PREFIX");
    if (!target.queue.starts_with(prefix)) {
        target.warnings.push_back(fmt::format(
            "queue {} lacks the prefix of this folder's queues (QUEUE_NAME_PREFIX={}, {}); did you "
            "mean {}{}?",
            target.queue, prefix, configuration.find("QUEUE_NAME_PREFIX")->origin, prefix,
            target.queue));
    } else if (exists == false) {
        target.warnings.push_back(fmt::format("queue {} did not exist: made it{}", target.queue,
                                              similar_queue(session, target.queue)));
    }
    return target;
}

Result<int> report(const Progress* progress, const Target& target, const Result<void>& sent) {
    for (const std::string& warning : target.warnings) print_warning(warning);
    if (sent) return 0;
    if (progress == nullptr || progress->sent() == 0) return tl::unexpected(sent.error());
    return failure(
        sent.error().kind,
        fmt::format("after {}: {}", counted(progress->sent(), "message"), sent.error().message));
}

}  // namespace

Result<int> send(const SendArguments& arguments) {
    if (!arguments.to_service && arguments.queue.empty())
        return failure(ErrorKind::usage, "the queue's name is empty");
    if (arguments.body == "-" && !arguments.id.empty())
        return failure(ErrorKind::usage,
                       "--id is for a single message, but standard input has many");
    ROCOCO_ASSIGN_OR_RETURN(OutgoingMessage message, prototype(arguments));
    ROCOCO_ASSIGN_OR_RETURN(const auto session, open_session(arguments.folder));
    ROCOCO_TRY(check_body(arguments));
    ROCOCO_ASSIGN_OR_RETURN(Target target, find_target(*session, arguments));
    ROCOCO_ASSIGN_OR_RETURN(const auto sender, session->queue_kind->sender());

    const std::string place = printable(fmt::format(
        "{} at {}", target.queue, session->queue_kind->adapter(target.queue)->endpoint()));
    if (arguments.body != "-") {
        message.body = arguments.body;
        const auto sent = sender->send(target.queue, message);
        if (sent) {
            std::cerr << fitted_message("sent 1 message to " + place) << '\n';
        } else {
            target.warnings.clear();
        }
        return report(nullptr, target, sent);
    }
    Progress progress(session->clock, place);
    const auto sent = send_lines(*sender, target.queue, message, progress);
    if (sent || progress.sent() > 0) progress.finish();
    if (progress.sent() == 0) target.warnings.clear();
    return report(&progress, target, sent);
}

}  // namespace rococo::svchost::cli
