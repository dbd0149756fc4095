// SPDX-License-Identifier: MIT
#include "child_requests.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace rococo::svchost::child {

namespace {

using Json = nlohmann::json;

messaging::OutgoingMessage message_of(const Json& meta, std::string_view body) {
    const auto text = [&](const char* name) { return meta.value(name, std::string()); };
    messaging::OutgoingMessage message{.body = std::string(body), .id = text("id")};
    if (meta.contains("content_type")) message.content_type = text("content_type");
    message.correlation_id = text("correlation_id");
    for (const auto& [name, value] :
         meta.value("headers", std::vector<std::pair<std::string, std::string>>()))
        message.headers.emplace_back(name, value);
    message.content_encoding = text("content_encoding");
    message.reply_to = text("reply_to");
    message.type = text("type");
    message.app_id = text("app_id");
    if (meta.contains("priority")) message.priority = meta.at("priority").get<std::uint8_t>();
    return message;
}

/// Whether there is no priority, or one that a message can have.
bool has_good_priority(const Json& meta) {
    const auto priority = meta.value("priority", std::int64_t{0});
    return priority >= 0 && priority <= std::numeric_limits<std::uint8_t>::max();
}

tl::unexpected<Error> of_another_shape(std::string_view what, const Json::exception& error) {
    return failure(ErrorKind::service,
                   fmt::format("it sent {} with metadata that is wrong: {}", what, error.what()));
}

}  // namespace

Result<LogLine> read_log_line(const Frame& frame) {
    try {
        const Json meta = Json::parse(frame.meta);
        return LogLine{.level = meta.value("level", "INFO"),
                       .module = meta.value("module", "processor"),
                       .line = meta.value("line", 0U),
                       .text = frame.payload};
    } catch (const Json::exception& error) {
        return of_another_shape("a line for the log", error);
    }
}

Result<SendRequest> read_send_request(const Frame& frame) {
    try {
        const Json meta = Json::parse(frame.meta);
        if (!has_good_priority(meta))
            return failure(ErrorKind::service, "it sent a message whose priority is not 0 to 255");
        return SendRequest{.seq = frame.seq,
                           .queue = meta.at("queue").get<std::string>(),
                           .message = message_of(meta, frame.payload)};
    } catch (const Json::exception& error) {
        return of_another_shape("a message to send", error);
    }
}

}  // namespace rococo::svchost::child
