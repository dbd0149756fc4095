// SPDX-License-Identifier: MIT
#include "outgoing_json.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "rococo/base/base64.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"

namespace rococo::svchost::programs {

namespace {

using messaging::OutgoingMessage;

tl::unexpected<Error> refuse(std::string_view why) {
    return failure(ErrorKind::service, std::string(why));
}

/// The texts of a message, by the names of their members.
constexpr auto kTexts = std::to_array<std::pair<std::string_view, std::string OutgoingMessage::*>>(
    {{"id", &OutgoingMessage::id},
     {"correlation_id", &OutgoingMessage::correlation_id},
     {"content_type", &OutgoingMessage::content_type},
     {"content_encoding", &OutgoingMessage::content_encoding},
     {"reply_to", &OutgoingMessage::reply_to},
     {"type", &OutgoingMessage::type}});

/// As JSON writes it; a text is itself.
std::string text_of(const Json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

Result<void> read_headers(const Json& value, OutgoingMessage& message) {
    if (!value.is_object()) return refuse(R"("headers" is no object)");
    for (const auto& [name, header] : value.items())
        message.headers.emplace_back(name, text_of(header));
    return {};
}

/// Reads one member. **Errors**: it is none that there may be.
Result<void> read_member(const std::string& name, const Json& value, Outgoing& outgoing) {
    OutgoingMessage& message = outgoing.message;
    if (name == "body") {
        message.body = value.dump();
        return {};
    }
    if (name == "headers") return read_headers(value, message);
    if (!value.is_string()) return refuse(fmt::format(R"("{}" is no text)", printable(name)));
    const auto& text = value.get_ref<const std::string&>();
    if (name == "queue") {
        outgoing.queue = text;
        return {};
    }
    if (name == "body_base64") {
        auto bytes = base64_decode(text);
        if (!bytes) return refuse(R"("body_base64" is no base64)");
        message.body = std::move(*bytes);
        return {};
    }
    for (const auto& [known, member] : kTexts) {
        if (name != known) continue;
        message.*member = text;
        return {};
    }
    return refuse(fmt::format(R"("{}" is nothing that a message has)", printable(name)));
}

}  // namespace

Result<Outgoing> read_outgoing(const Json& object) {
    if (!object.is_object()) return refuse(R"("send" is no object)");
    if (object.contains("body") == object.contains("body_base64"))
        return refuse(R"(a message to send has either "body" or "body_base64")");
    Outgoing outgoing;
    for (const auto& [name, value] : object.items()) ROCOCO_TRY(read_member(name, value, outgoing));
    if (outgoing.queue.empty()) return refuse(R"(a message to send names its "queue")");
    return outgoing;
}

Result<void> send_all(messaging::MessageSender& sender, std::span<Outgoing> messages,
                      std::size_t& sent) {
    for (sent = 0; sent < messages.size();) {
        const std::string& queue = messages[sent].queue;
        std::vector<OutgoingMessage> group;
        for (std::size_t at = sent; at < messages.size() && messages[at].queue == queue; ++at)
            group.push_back(std::move(messages[at].message));
        ROCOCO_TRY(sender.send(queue, group));
        sent += group.size();
    }
    return {};
}

}  // namespace rococo::svchost::programs
