// SPDX-License-Identifier: MIT
#include "host_calls.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "pipes.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost::child {

namespace {

using Json = nlohmann::json;
using messaging::OutgoingMessage;

std::string text_of(const Json& meta) {
    return meta.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// A message's properties: only what is not the default.
std::string meta_of(std::string_view queue, const OutgoingMessage& message) {
    Json meta{{"queue", queue}, {"content_type", message.content_type}};
    const auto add = [&](const char* name, const std::string& value) {
        if (!value.empty()) meta[name] = value;
    };
    add("id", message.id);
    add("correlation_id", message.correlation_id);
    add("content_encoding", message.content_encoding);
    add("reply_to", message.reply_to);
    add("type", message.type);
    add("app_id", message.app_id);
    if (!message.headers.empty()) meta["headers"] = message.headers;
    if (message.priority) meta["priority"] = *message.priority;
    return text_of(meta);
}

std::string head(Report kind, std::string_view meta, std::size_t payload_size, std::uint64_t seq) {
    std::string frame;
    append_header(frame, static_cast<std::uint8_t>(kind), meta.size(), payload_size, seq);
    frame += meta;
    return frame;
}

tl::unexpected<Error> host_has_gone() {
    return failure(ErrorKind::unavailable, "svchost has gone, or ends this process");
}

}  // namespace

HostCalls::HostCalls(FileDescriptor socket)
    : socket_(std::move(socket)),
      log_{this,
           [](void* self, int level) {
               return level >= static_cast<int>(static_cast<HostCalls*>(self)->log_level_.load());
           },
           [](void* self, int level, const char* file, unsigned line, const char* text,
              std::size_t size) {
               static_cast<HostCalls*>(self)->write_line(
                   static_cast<LogLevel>(level), file == nullptr ? "" : file, line, {text, size});
           }} {}

HostCalls::~HostCalls() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    if (reader_.joinable()) reader_.join();
}

void HostCalls::write_line(LogLevel level, std::string_view file, unsigned line,
                           std::string_view text) {
    const std::string meta =
        text_of({{"level", level_name(level)}, {"module", module_of(file)}, {"line", line}});
    // Where the host has gone, nobody reads the log any more.
    (void)write(head(Report::log, meta, text.size(), 0), text);
}

Result<void> HostCalls::send(std::string_view queue, std::span<const OutgoingMessage> messages) {
    std::vector<std::uint64_t> numbers;
    numbers.reserve(messages.size());
    for (const OutgoingMessage& message : messages) {
        {
            const std::scoped_lock lock(mutex_);
            if (!reader_.joinable()) reader_ = std::thread([this] { read_answers(); });
            numbers.push_back(++last_number_);
        }
        const std::string meta = meta_of(queue, message);
        if (!write(head(Report::send, meta, message.body.size(), numbers.back()), message.body))
            return host_has_gone();
    }
    Result<void> all;
    for (const std::uint64_t number : numbers) {
        if (auto one = answer_to(number); !one && all) all = std::move(one);
    }
    return all;
}

bool HostCalls::write(std::string_view header_and_meta, std::string_view payload) {
    const std::scoped_lock lock(writing_);
    return send_all(socket_, header_and_meta) && send_all(socket_, payload);
}

Result<void> HostCalls::answer_to(std::uint64_t number) {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] { return host_gone_ || answers_.contains(number); });
    const auto answer = answers_.extract(number);
    if (answer.empty()) return host_has_gone();
    return answer.mapped();
}

void HostCalls::read_answers() {
    FrameReader reader;
    const auto take_all = [&]() -> Result<void> {
        while (true) {
            ROCOCO_ASSIGN_OR_RETURN(const auto frame, reader.next());
            if (!frame) return {};
            const bool sent = frame->kind == static_cast<std::uint8_t>(Order::sent);
            const Json meta = Json::parse(sent ? "{}" : frame->meta, nullptr, false);
            Result<void> answer;
            if (!sent) {
                answer = failure(ErrorKind::unavailable,
                                 meta.is_object() ? meta.value("error", "") : "");
            }
            const std::scoped_lock lock(mutex_);
            answers_.emplace(frame->seq, std::move(answer));
            answered_.notify_all();
        }
    };
    pollfd readable{socket_.get(), POLLIN, 0};
    while (::poll(&readable, 1, -1) >= 0 || errno == EINTR) {
        const bool open = reader.read(socket_.get());
        if (!take_all() || !open) break;
    }
    const std::scoped_lock lock(mutex_);
    host_gone_ = true;
    answered_.notify_all();
}

}  // namespace rococo::svchost::child
