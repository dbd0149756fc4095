// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "amqp_value_text.hpp"
#include "dead_letter_session.hpp"
#include "delay_queue.hpp"
#include "queue_declaration.hpp"
#include "rabbitmq_delivery.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo/messaging/message_name.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

using Walk = DeadLetterSession::Walk;

/// The value of a header; null if there is none of this name.
const amqp_field_value_t* find_header(const amqp_basic_properties_t& properties,
                                      std::string_view name) {
    for (const auto& entry : headers_of(properties))
        if (view(entry.key) == name) return &entry.value;
    return nullptr;
}

std::string text_header(const amqp_basic_properties_t& properties, std::string_view name) {
    const auto* const value = find_header(properties, name);
    return value != nullptr ? to_text(*value) : std::string();
}

/// What the log called it.
std::string name_of(const amqp_message_t& message) {
    return message_name(text_of(message.properties, kMessageId), view(message.body));
}

/// The host's own id, which no two letters share; the message's name for what others put there.
std::string id_of(const amqp_message_t& message) {
    auto own = text_header(message.properties, headers::kDeadLetterId);
    return own.empty() ? name_of(message) : own;
}

bool is_called(const amqp_message_t& message, std::string_view id) {
    return id_of(message) == id || name_of(message) == id;
}

std::string original_queue(const amqp_basic_properties_t& properties, const std::string& fallback) {
    auto queue = text_header(properties, headers::kOriginalQueue);
    return queue.empty() || queue.size() > 255 ? fallback : queue;
}

std::vector<std::pair<std::string, std::string>> properties_of(
    const amqp_basic_properties_t& properties) {
    std::vector<std::pair<std::string, std::string>> all;
    const auto add = [&](std::string_view name, TextProperty property) {
        const auto text = text_of(properties, property);
        if (!text.empty()) all.emplace_back(name, text);
    };
    add("content_encoding", kContentEncoding);
    add("correlation_id", kCorrelationId);
    add("reply_to", kReplyTo);
    add("type", kType);
    add("app_id", kAppId);
    if (auto edited_from = text_header(properties, headers::kEditedFrom); !edited_from.empty())
        all.emplace_back("edited_from", std::move(edited_from));
    if (has(properties, AMQP_BASIC_PRIORITY_FLAG))
        all.emplace_back("priority", std::to_string(properties.priority));
    return all;
}

std::uint32_t attempts_of(const amqp_basic_properties_t& properties) {
    const auto* const value = find_header(properties, headers::kAttempts);
    if (value == nullptr) return 0;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(to_integer(*value).value_or(0), 0,
                                                               RabbitMqDelivery::kMostAttempts));
}

/// Without headers, properties and body.
DeadLetter to_summary(const amqp_message_t& message, const std::string& queue) {
    const auto& properties = message.properties;
    DeadLetter letter;
    letter.id = id_of(message);
    letter.message = name_of(message);
    letter.original_queue = original_queue(properties, queue);
    letter.reason = text_header(properties, headers::kReason);
    letter.error = text_header(properties, headers::kError);
    letter.first_failed_at =
        parse_utc(text_header(properties, headers::kFirstFailedAt)).value_or(SystemTime{});
    letter.last_failed_at =
        parse_utc(text_header(properties, headers::kLastFailedAt)).value_or(SystemTime{});
    letter.attempts = attempts_of(properties);
    letter.content_type = text_of(properties, kContentType);
    letter.body_bytes = message.body.len;
    return letter;
}

DeadLetter to_dead_letter(const amqp_message_t& message, const std::string& queue) {
    DeadLetter letter = to_summary(message, queue);
    letter.properties = properties_of(message.properties);
    letter.body = view(message.body);
    for (const auto& entry : headers_of(message.properties)) {
        const auto name = view(entry.key);
        if (name == headers::kDeliveryCount) continue;  // tells of this look, not of the message
        const auto shown = shown_header_name(name, false);
        if (!shown.empty()) letter.headers.emplace_back(shown, to_text(entry.value));
    }
    return letter;
}

void remove_history(MessageCopy& copy) {
    for (const auto name :
         {headers::kAttempts, headers::kFirstFailedAt, headers::kLastFailedAt, headers::kError,
          headers::kReason, headers::kOriginalQueue, headers::kDeadLetterId})
        copy.remove_header(name);
}

/// The message as it was before it became a dead letter.
std::unique_ptr<MessageCopy> copy_without_history(ReceivedLetter letter,
                                                  const RabbitMqSettings& settings) {
    auto copy = std::make_unique<MessageCopy>(letter->properties, view(letter->body),
                                              MessageCopy::Purpose::requeue, settings.user);
    remove_history(*copy);
    copy->keep(std::move(letter));
    return copy;
}

/// What an edited copy is made of.
struct Edited {
    ReceivedLetter letter;
    std::string body;
};

/// A new message of these bytes; all else is as in the letter.
std::unique_ptr<MessageCopy> edited_copy(Edited parts, std::string new_id, SystemTime now,
                                         const RabbitMqSettings& settings) {
    auto kept = std::make_shared<Edited>(std::move(parts));
    auto copy = std::make_unique<MessageCopy>(kept->letter->properties, kept->body,
                                              MessageCopy::Purpose::requeue, settings.user);
    auto old_id = id_of(*kept->letter);
    remove_history(*copy);
    copy->set_header(headers::kEditedFrom, std::move(old_id));
    copy->begin_anew(std::move(new_id), now);
    copy->keep(std::move(kept));
    return copy;
}

bool chosen(std::span<const std::string> ids, const amqp_message_t& message) {
    if (ids.empty()) return true;
    const auto id = id_of(message);
    const auto name = name_of(message);
    return std::ranges::any_of(ids,
                               [&](const auto& given) { return given == id || given == name; });
}

/// Shows each letter to `visit`, and ends the session: what it has moved by then is safe.
template <typename Visit>
Result<std::unique_ptr<DeadLetterSession>> walk(Result<std::unique_ptr<DeadLetterSession>> session,
                                                const Visit& visit) {
    if (!session) return session;
    auto walked = (*session)->walk([&](std::uint64_t tag, ReceivedLetter letter) {
        return visit(**session, tag, std::move(letter));
    });
    if (walked) walked = (*session)->finish();
    if (!walked) return tl::make_unexpected((*session)->with_counts(walked.error()));
    return session;
}

}  // namespace

RabbitMqDeadLetters::RabbitMqDeadLetters(RabbitMqSettings settings, const Clock& clock,
                                         Logger logger, RandomSource random)
    : settings_(std::move(settings)), clock_(clock), logger_(logger), random_(std::move(random)) {}

Result<std::unique_ptr<DeadLetterSession>> RabbitMqDeadLetters::open() const {
    return DeadLetterSession::open(settings_, dead_letter_queue_name(settings_.queue), clock_,
                                   logger_, random_);
}

Result<std::size_t> RabbitMqDeadLetters::count() {
    auto session = open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    auto count = (*session)->count();
    auto finished = (*session)->finish();
    if (count && !finished) return tl::make_unexpected(std::move(finished.error()));
    return count;
}

Result<std::vector<DeadLetter>> RabbitMqDeadLetters::list(std::size_t limit) {
    return read(limit, to_dead_letter);
}

Result<std::vector<DeadLetter>> RabbitMqDeadLetters::summaries(std::size_t limit) {
    return read(limit, to_summary);
}

template <typename Read>
Result<std::vector<DeadLetter>> RabbitMqDeadLetters::read(std::size_t limit, const Read& read) {
    std::vector<DeadLetter> letters;
    if (limit == 0) return letters;
    auto ended = walk(open(), [&](auto& session, std::uint64_t tag, ReceivedLetter letter) {
        letters.push_back(read(*letter, settings_.queue));
        const auto next = letters.size() < limit ? Walk::go_on : Walk::stop;
        return session.leave(tag, std::move(letter)).map([next] { return next; });
    });
    return ended.map([&](auto&) { return std::move(letters); });
}

Result<std::optional<DeadLetter>> RabbitMqDeadLetters::find(std::string_view id) {
    std::optional<DeadLetter> found;
    auto ended = walk(open(), [&](auto& session, std::uint64_t tag, ReceivedLetter letter) {
        if (is_called(*letter, id)) found = to_dead_letter(*letter, settings_.queue);
        const auto next = found ? Walk::stop : Walk::go_on;
        return session.leave(tag, std::move(letter)).map([next] { return next; });
    });
    return ended.map([&](auto&) { return std::move(found); });
}

Result<std::size_t> RabbitMqDeadLetters::remove(std::span<const std::string> ids) {
    std::size_t removed = 0;
    auto ended = walk(open(), [&](auto& session, std::uint64_t tag, ReceivedLetter letter) {
        const bool leaves = chosen(ids, *letter);
        auto done = leaves ? session.remove(tag) : session.leave(tag, std::move(letter));
        if (leaves && done) ++removed;
        return done.map([] { return Walk::go_on; });
    });
    return ended.map([&](auto&) { return removed; });
}

Result<std::size_t> RabbitMqDeadLetters::requeue(std::span<const std::string> ids) {
    auto ended = walk(open(), [&](auto& session, std::uint64_t tag, ReceivedLetter letter) {
        Result<void> done;
        if (chosen(ids, *letter)) {
            auto target =
                work_queue(settings_, original_queue(letter->properties, settings_.queue));
            done = session.move(tag, std::move(target),
                                copy_without_history(std::move(letter), settings_));
        } else {
            done = session.leave(tag, std::move(letter));
        }
        return done.map([] { return Walk::go_on; });
    });
    return ended.map([](auto& session) { return session->moved(); });
}

Result<std::string> RabbitMqDeadLetters::edit_and_requeue(std::string_view id,
                                                          std::string_view body) {
    const auto new_id = random_uuid(random_);
    auto ended = walk(open(), [&](auto& session, std::uint64_t tag, ReceivedLetter letter) {
        if (!is_called(*letter, id)) {
            return session.leave(tag, std::move(letter)).map([] { return Walk::go_on; });
        }
        auto target = work_queue(settings_, original_queue(letter->properties, settings_.queue));
        auto copy =
            edited_copy({std::move(letter), std::string(body)}, new_id, clock_.now(), settings_);
        return session.move(tag, std::move(target), std::move(copy)).map([] { return Walk::stop; });
    });
    if (!ended) return tl::make_unexpected(std::move(ended.error()));
    if ((*ended)->moved() == 0) {
        return failure(ErrorKind::usage,
                       fmt::format("'{}' has no dead letter '{}'", settings_.queue, id));
    }
    return new_id;
}

}  // namespace rococo::messaging
