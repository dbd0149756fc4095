// SPDX-License-Identifier: MIT
#include "message_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "digest.hpp"
#include "rococo/base/base64.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/timestamp.hpp"

namespace rococo::messaging::sqs {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kOwnPrefix = "x-rococo-";
constexpr std::string_view kPackedHeaders = "x-rococo-headers";
constexpr std::string_view kBodyEncoding = "x-rococo-body";
constexpr std::string_view kId = "x-rococo-id";
constexpr std::string_view kDeadLetter = "x-rococo-dead-letter";
// Headers of ours, hence among the packed ones.
constexpr std::string_view kSentAt = "x-rococo-sent-at";
constexpr std::string_view kEditedFrom = "x-rococo-edited-from";
constexpr std::string_view kContentType = "content-type";
constexpr std::string_view kCorrelationId = "correlation-id";
// Ordinary attributes, so that other programs' are understood as well and processors see them among
// the headers too.
constexpr std::string_view kContentEncoding = "content-encoding";
constexpr std::string_view kReplyTo = "reply-to";
constexpr std::string_view kType = "type";
constexpr std::string_view kAppId = "app-id";
constexpr std::string_view kGroupHeader = "MessageGroupId";
constexpr std::string_view kDeduplicationHeader = "MessageDeduplicationId";
constexpr std::string_view kDefaultGroup = "rococo";

/// ASCII only: whatever a header holds, the attribute has only characters that SQS takes.
std::string dump(const Json& document) {
    return document.dump(-1, ' ', true, Json::error_handler_t::replace);
}

/// Whether a header may not have that name on SQS: it travels among the packed ones.
bool is_reserved(std::string_view name) {
    return name.starts_with(kOwnPrefix) || name == kContentType || name == kCorrelationId;
}

/// Whether it is one of the few that we write beside the headers. Others may be called `x-rococo-…`
/// too, and there is no room for any number of them.
bool is_own(std::string_view name) {
    return name == kContentType || name == kCorrelationId || name == kId || name == kBodyEncoding;
}

/// Names that SQS takes: 1 to 256 of A-Z a-z 0-9 _ - ., no dot at an end or doubled, none of AWS's.
bool is_attribute_name(std::string_view name) {
    if (name.empty() || name.size() > 256 || name.front() == '.' || name.back() == '.')
        return false;
    if (name.find("..") != std::string_view::npos) return false;
    const bool fits = std::all_of(name.begin(), name.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
    });
    const std::string lower = to_lower(name);
    return fits && !lower.starts_with("aws.") && !lower.starts_with("amazon.");
}

const MessageAttribute* find(const std::vector<MessageAttribute>& attributes,
                             std::string_view name) {
    const auto found = std::find_if(attributes.begin(), attributes.end(),
                                    [name](const auto& one) { return one.name == name; });
    return found == attributes.end() ? nullptr : &*found;
}

std::string value_of(const std::vector<MessageAttribute>& attributes, std::string_view name) {
    const auto* found = find(attributes, name);
    return found == nullptr ? std::string() : found->value;
}

std::vector<MessageAttribute> unpack(std::string_view text) {
    std::vector<MessageAttribute> attributes;
    const auto document = Json::parse(text, nullptr, false);
    if (!document.is_array()) return attributes;
    for (const auto& one : document) {
        if (!one.is_array() || one.size() != 3) continue;
        if (!std::all_of(one.begin(), one.end(), [](const Json& j) { return j.is_string(); })) {
            continue;
        }
        MessageAttribute attribute{one[0], one[2], one[1]};
        if (attribute.binary()) attribute.value = base64_decode(attribute.value).value_or("");
        attributes.push_back(std::move(attribute));
    }
    return attributes;
}

std::string pack(const std::vector<MessageAttribute>& attributes) {
    auto document = Json::array();
    for (const auto& one : attributes) {
        const auto value = one.binary() ? base64_encode(one.value) : one.value;
        document.push_back(Json::array({one.name, value, one.type}));
    }
    return dump(document);
}

/// Fits headers into SQS's ten attributes beside our `own` ones: what does not fit, or is not to
/// SQS's taste, is packed into one.
std::vector<MessageAttribute> arrange(std::vector<MessageAttribute> own,
                                      std::vector<MessageAttribute> headers) {
    std::vector<MessageAttribute> packed;
    std::vector<MessageAttribute> plain;
    for (auto& header : headers) {
        const bool fits = is_attribute_name(header.name) && !is_reserved(header.name) &&
                          !header.value.empty() && (header.binary() || is_sqs_text(header.value)) &&
                          find(plain, header.name) == nullptr;
        (fits ? plain : packed).push_back(std::move(header));
    }
    const auto room = [&] { return kMaxAttributes - own.size() - (packed.empty() ? 0 : 1); };
    while (plain.size() > room()) {
        packed.push_back(std::move(plain.back()));
        plain.pop_back();
    }
    if (!packed.empty()) own.push_back({std::string(kPackedHeaders), "String", pack(packed)});
    own.insert(own.end(), std::make_move_iterator(plain.begin()),
               std::make_move_iterator(plain.end()));
    return own;
}

/// A received message's attributes, ours and the headers apart.
struct Sorted {
    std::vector<MessageAttribute> own;
    std::vector<MessageAttribute> headers;
};

Sorted sort_attributes(const std::vector<MessageAttribute>& attributes) {
    Sorted sorted;
    for (const auto& one : attributes) {
        if (one.name == kPackedHeaders) {
            for (auto& header : unpack(one.value)) sorted.headers.push_back(std::move(header));
        } else if (one.name != kDeadLetter) {
            (is_own(one.name) ? sorted.own : sorted.headers).push_back(one);
        }
    }
    return sorted;
}

std::int64_t to_ms(SystemTime at) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

void set_header(std::vector<MessageAttribute>& headers, std::string_view name, std::string value) {
    std::erase_if(headers, [name](const auto& one) { return one.name == name; });
    headers.push_back({std::string(name), "String", std::move(value)});
}

/// The body as SQS takes it, and the attribute that says so.
void set_body(OutboundMessage& out, std::vector<MessageAttribute>& own, std::string_view body) {
    if (!body.empty() && is_sqs_text(body)) {
        out.body = body;
        return;
    }
    out.body = body.empty() ? "=" : base64_encode(body);
    own.push_back({std::string(kBodyEncoding), "String", "base64"});
}

Result<OutboundMessage> checked(OutboundMessage out, ErrorKind kind) {
    if (out.bytes() <= kMaxMessageBytes) return out;
    return failure(kind, fmt::format("A message of {} bytes, headers included, is more than the {} "
                                     "that SQS accepts. Store the body elsewhere and send a "
                                     "reference to it.",
                                     out.bytes(), kMaxMessageBytes));
}

std::string write_note(const DeadLetterNote& note) {
    return dump({{"id", note.id},
                 {"queue", note.queue},
                 {"reason", note.reason},
                 {"error", note.error},
                 {"attempts", note.attempts},
                 {"first_failed_at", to_ms(note.first_failed_at)},
                 {"last_failed_at", to_ms(note.last_failed_at)},
                 {"group", note.group_id}});
}

DeadLetterNote read_note(const std::vector<MessageAttribute>& attributes) {
    DeadLetterNote note;
    const auto document = Json::parse(value_of(attributes, kDeadLetter), nullptr, false);
    if (!document.is_object()) return note;
    const auto text = [&](const char* key) {
        const auto found = document.find(key);
        return found != document.end() && found->is_string() ? found->get<std::string>()
                                                             : std::string();
    };
    const auto number = [&](const char* key) -> std::int64_t {
        const auto found = document.find(key);
        return found != document.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                                     : 0;
    };
    note.id = text("id");
    note.queue = text("queue");
    note.reason = text("reason");
    note.error = text("error");
    note.attempts = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(number("attempts"), 0, std::numeric_limits<std::uint32_t>::max()));
    note.first_failed_at = time_from_milliseconds(number("first_failed_at"));
    note.last_failed_at = time_from_milliseconds(number("last_failed_at"));
    note.group_id = text("group");
    return note;
}

/// Group and deduplication ids are 1 to 128 printable ASCII characters; others get a digest, which
/// tells them apart as well.
std::string fifo_id(std::string_view id) {
    const bool fits = id.size() <= 128 &&
                      std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7F; });
    return fits ? std::string(id) : sha256_hex(id);
}

void set_group(OutboundMessage& out, std::string_view group, std::string_view deduplication,
               bool fifo) {
    if (!fifo) return;
    out.group_id = group.empty() ? std::string(kDefaultGroup) : fifo_id(group);
    out.deduplication_id = fifo_id(deduplication);
}

}  // namespace

SqsDelivery::SqsDelivery(ReceivedMessage received, std::string_view queue_name,
                         std::uint64_t number_here)
    : message(std::move(received)) {
    number = number_here;
    queue = queue_name;
    id = message.id;
    body = message.body;
    sent_at = message.sent_at;
    attempt = message.receive_count;
    read_attributes();
}

void SqsDelivery::read_attributes() {
    for (const auto& one : message.attributes) {
        if (one.name == kContentType) content_type = one.value;
        if (one.name == kCorrelationId) correlation_id = one.value;
        if (one.name == kId) id = one.value;
        if (one.name == kBodyEncoding && one.value == "base64") {
            // The attribute says `base64`, so this is ours; `=` stands for nothing at all.
            decoded_body_ = base64_decode(message.body == "=" ? "" : message.body).value_or("");
            body = decoded_body_;
        }
    }
    const auto add = [this](std::string name, std::string value) {
        header_texts_.emplace_back(std::move(name), std::move(value));
    };
    for (auto& one : sort_attributes(message.attributes).headers) {
        if (one.name == kSentAt) {
            const auto ms = parse_number<std::int64_t>(one.value).value_or(0);
            if (const auto at = time_from_milliseconds(ms); at != SystemTime{}) sent_at = at;
        }
        if (one.name.starts_with(kOwnPrefix)) continue;
        add(std::move(one.name), one.binary() ? base64_encode(one.value) : std::move(one.value));
    }
    if (!message.group_id.empty()) add(std::string(kGroupHeader), message.group_id);
    if (!message.deduplication_id.empty()) {
        add(std::string(kDeduplicationHeader), message.deduplication_id);
    }
    header_views_.reserve(header_texts_.size());
    for (const auto& [name, value] : header_texts_) {
        header_views_.push_back({name, value});
        if (name == kContentEncoding) content_encoding = value;
        if (name == kReplyTo) reply_to = value;
        if (name == kType) type = value;
        if (name == kAppId) app_id = value;
    }
    headers = header_views_;
}

Result<OutboundMessage> encode_message(const OutgoingMessage& message, bool fifo) {
    OutboundMessage out;
    std::vector<MessageAttribute> own;
    const auto add = [&own](std::string_view name, const std::string& value) {
        if (!value.empty()) own.push_back({std::string(name), "String", value});
    };
    add(kContentType, message.content_type);
    add(kCorrelationId, message.correlation_id);
    add(kId, message.id);
    set_body(out, own, message.body);
    std::string group;
    std::string deduplication = message.id;
    std::vector<MessageAttribute> headers;
    const auto add_property = [&headers](std::string_view name, const std::string& value) {
        if (!value.empty()) headers.push_back({std::string(name), "String", value});
    };
    add_property(kContentEncoding, message.content_encoding);
    add_property(kReplyTo, message.reply_to);
    add_property(kType, message.type);
    add_property(kAppId, message.app_id);
    for (const auto& [name, value] : message.headers) {
        if (name == kGroupHeader) {
            group = value;
        } else if (name == kDeduplicationHeader) {
            deduplication = value;
        } else {
            headers.push_back({name, "String", value});
        }
    }
    out.attributes = arrange(std::move(own), std::move(headers));
    set_group(out, group, deduplication, fifo);
    return checked(std::move(out), ErrorKind::configuration);
}

OutboundMessage encode_dead_letter(const ReceivedMessage& message, const DeadLetterNote& note,
                                   bool fifo) {
    auto sorted = sort_attributes(message.attributes);
    if (find(sorted.own, kId) == nullptr)
        sorted.own.push_back({std::string(kId), "String", note.id});
    if (find(sorted.headers, kSentAt) == nullptr)
        set_header(sorted.headers, kSentAt, std::to_string(to_ms(message.sent_at)));
    OutboundMessage out{message.body};
    // Each dead letter gets its own group: SQS delivers no second message of a group while one is
    // being inspected, and `dead-letters list` must see all of them. The note keeps the original
    // group.
    set_group(out, message.id, message.id, fifo);

    const auto with = [&](const DeadLetterNote& written) {
        auto all = sorted.own;
        all.push_back({std::string(kDeadLetter), "String", write_note(written)});
        return arrange(std::move(all), sorted.headers);
    };
    out.attributes = with(note);
    if (out.bytes() <= kMaxMessageBytes) return out;
    auto shorter = note;
    shorter.error.clear();
    out.attributes = with(shorter);
    if (out.bytes() <= kMaxMessageBytes) return out;
    out.attributes = message.attributes;
    return out;
}

DeadLetter decode_dead_letter(const ReceivedMessage& message, std::string_view fallback_queue) {
    const SqsDelivery delivery(message, fallback_queue, 0);
    const auto note = read_note(message.attributes);
    DeadLetter letter;
    letter.id = note.id.empty() ? std::string(delivery.id) : note.id;
    letter.original_queue = note.queue.empty() ? std::string(fallback_queue) : note.queue;
    letter.reason = note.reason;
    letter.error = note.error;
    letter.attempts = note.attempts;
    letter.first_failed_at = note.first_failed_at;
    letter.last_failed_at = note.last_failed_at;
    letter.content_type = std::string(delivery.content_type);
    for (const auto& header : delivery.headers)
        letter.headers.emplace_back(header.name, header.value);
    const auto sorted = sort_attributes(message.attributes);
    if (auto edited_from = value_of(sorted.headers, kEditedFrom); !edited_from.empty())
        letter.properties.emplace_back("edited_from", std::move(edited_from));
    letter.body = std::string(delivery.body);
    letter.body_bytes = letter.body.size();
    return letter;
}

OutboundMessage encode_requeued(const ReceivedMessage& message, bool fifo) {
    const auto note = read_note(message.attributes);
    auto [own, headers] = sort_attributes(message.attributes);
    OutboundMessage out{message.body};
    out.attributes = arrange(std::move(own), std::move(headers));
    // Another deduplication id than the first time: SQS would drop it as a repetition.
    set_group(out, note.group_id.empty() ? message.group_id : note.group_id, message.id, fifo);
    return out;
}

Result<OutboundMessage> encode_edited(const ReceivedMessage& message, std::string_view body,
                                      std::string_view new_id, bool fifo) {
    const auto note = read_note(message.attributes);
    auto [own, headers] = sort_attributes(message.attributes);
    const auto old_id = value_of(own, kId);
    std::erase_if(own,
                  [](const auto& one) { return one.name == kId || one.name == kBodyEncoding; });
    own.push_back({std::string(kId), "String", std::string(new_id)});
    std::erase_if(headers, [](const auto& one) { return one.name == kSentAt; });
    set_header(headers, kEditedFrom,
               !note.id.empty() ? note.id
               : old_id.empty() ? message.id
                                : old_id);
    OutboundMessage out;
    set_body(out, own, body);
    out.attributes = arrange(std::move(own), std::move(headers));
    set_group(out, note.group_id.empty() ? message.group_id : note.group_id, new_id, fifo);
    return checked(std::move(out), ErrorKind::usage);
}

}  // namespace rococo::messaging::sqs
