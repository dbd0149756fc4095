// SPDX-License-Identifier: MIT
#include "sqs_answers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rococo/base/base64.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/timestamp.hpp"

namespace rococo::messaging::sqs {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kMostReceives = 1'000'000'000;

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_at(const Json& object, const char* key) {
    return parse_number<std::int64_t>(text_at(object, key)).value_or(0);
}

SystemTime milliseconds_at(const Json& object, const char* key) {
    return time_from_milliseconds(number_at(object, key));
}

MessageAttribute read_attribute(const std::string& name, const Json& value) {
    MessageAttribute attribute{name, text_at(value, "DataType"), text_at(value, "StringValue")};
    if (attribute.binary()) {
        attribute.value = base64_decode(text_at(value, "BinaryValue")).value_or("");
    }
    return attribute;
}

ReceivedMessage read_message(const Json& entry) {
    ReceivedMessage message;
    message.id = text_at(entry, "MessageId");
    message.receipt_handle = text_at(entry, "ReceiptHandle");
    message.body = text_at(entry, "Body");
    message.body_md5 = text_at(entry, "MD5OfBody");
    message.attributes_md5 = text_at(entry, "MD5OfMessageAttributes");
    if (const auto found = entry.find("MessageAttributes");
        found != entry.end() && found->is_object()) {
        for (const auto& [name, value] : found->items()) {
            message.attributes.push_back(read_attribute(name, value));
        }
    }
    if (const auto system = entry.find("Attributes");
        system != entry.end() && system->is_object()) {
        message.receive_count = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
            number_at(*system, "ApproximateReceiveCount"), 1, kMostReceives));
        message.sent_at = milliseconds_at(*system, "SentTimestamp");
        message.first_received_at = milliseconds_at(*system, "ApproximateFirstReceiveTimestamp");
        message.group_id = text_at(*system, "MessageGroupId");
        message.deduplication_id = text_at(*system, "MessageDeduplicationId");
    }
    return message;
}

/// The entry of the batch that an answer speaks of; none where it is not one of ours.
EntryOutcome* entry_of(Outcomes& outcomes, const Json& answer) {
    const auto index = parse_number<std::size_t>(text_at(answer, "Id"));
    return index && *index < outcomes.size() ? &outcomes[*index] : nullptr;
}

const Json& list_at(const Json& document, const char* key) {
    static const Json kNothing = Json::array();
    const auto found = document.find(key);
    return found != document.end() && found->is_array() ? *found : kNothing;
}

}  // namespace

bool EntryOutcome::stale() const {
    if (state != State::failed) return false;
    // A handle that has expired is an "invalid parameter" to FIFO queues and to visibility changes.
    return code == "ReceiptHandleIsInvalid" || code == "MessageNotInflight" ||
           code == "AWS.SimpleQueueService.MessageNotInflight" ||
           (our_fault && code == "InvalidParameterValue");
}

bool EntryOutcome::passing() const {
    return state == State::unanswered || (state == State::failed && !our_fault && !stale());
}

std::vector<ReceivedMessage> read_messages(const Json& document) {
    std::vector<ReceivedMessage> messages;
    for (const auto& entry : list_at(document, "Messages")) {
        if (entry.is_object()) messages.push_back(read_message(entry));
    }
    return messages;
}

Outcomes read_outcomes(const Json& document, std::size_t entries) {
    Outcomes outcomes(entries);
    for (const auto& answer : list_at(document, "Successful")) {
        if (auto* entry = entry_of(outcomes, answer)) entry->state = EntryOutcome::State::done;
    }
    for (const auto& answer : list_at(document, "Failed")) {
        auto* entry = entry_of(outcomes, answer);
        if (entry == nullptr) continue;
        const auto fault = answer.find("SenderFault");
        *entry = {EntryOutcome::State::failed, text_at(answer, "Code"), text_at(answer, "Message"),
                  fault != answer.end() && fault->is_boolean() && fault->get<bool>()};
    }
    return outcomes;
}

void check_digests(const Json& document,
                   const std::vector<std::pair<std::string, std::string>>& md5s,
                   Outcomes& outcomes) {
    for (const auto& answer : list_at(document, "Successful")) {
        auto* entry = entry_of(outcomes, answer);
        if (entry == nullptr) continue;
        const auto& [body, attributes] = md5s[static_cast<std::size_t>(entry - outcomes.data())];
        const bool same =
            text_at(answer, "MD5OfMessageBody") == body &&
            (attributes.empty() || text_at(answer, "MD5OfMessageAttributes") == attributes);
        if (!same) *entry = {EntryOutcome::State::failed, "WrongMd5", "the MD5s differ", false};
    }
}

}  // namespace rococo::messaging::sqs
