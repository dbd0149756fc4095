// SPDX-License-Identifier: MIT
#include "sqs_api.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "digest.hpp"

namespace rococo::messaging::sqs {
namespace {

using Json = nlohmann::json;

/// Ten messages of 1 MiB, each byte of which may be escaped in JSON.
constexpr std::size_t kMaxReceiveBytes = std::size_t{40} << 20U;
constexpr std::size_t kMaxOtherBytes = std::size_t{1} << 20U;

std::string text_at(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_at(const Json& object, const char* key) {
    const auto text = text_at(object, key);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

SystemTime milliseconds_at(const Json& object, const char* key) {
    return SystemTime(std::chrono::milliseconds(number_at(object, key)));
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
        message.receive_count = static_cast<std::uint32_t>(
            std::max<std::int64_t>(1, number_at(*system, "ApproximateReceiveCount")));
        message.sent_at = milliseconds_at(*system, "SentTimestamp");
        message.first_received_at = milliseconds_at(*system, "ApproximateFirstReceiveTimestamp");
        message.group_id = text_at(*system, "MessageGroupId");
        message.deduplication_id = text_at(*system, "MessageDeduplicationId");
    }
    return message;
}

Json write_attributes(const std::vector<MessageAttribute>& attributes) {
    auto object = Json::object();
    for (const auto& attribute : attributes) {
        auto& value = object[attribute.name];
        value["DataType"] = attribute.type;
        if (attribute.binary()) {
            value["BinaryValue"] = base64_encode(attribute.value);
        } else {
            value["StringValue"] = attribute.value;
        }
    }
    return object;
}

Json write_message(const OutboundMessage& message, std::size_t index) {
    Json entry{{"Id", std::to_string(index)}, {"MessageBody", message.body}};
    if (!message.attributes.empty()) {
        entry["MessageAttributes"] = write_attributes(message.attributes);
    }
    if (!message.group_id.empty()) entry["MessageGroupId"] = message.group_id;
    if (!message.deduplication_id.empty()) {
        entry["MessageDeduplicationId"] = message.deduplication_id;
    }
    return entry;
}

/// The entry of the batch that an answer speaks of; none where it is not one of ours.
EntryOutcome* entry_of(Outcomes& outcomes, const Json& answer) {
    const auto id = text_at(answer, "Id");
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), index);
    const bool valid = error == std::errc() && end == id.data() + id.size() && !id.empty();
    return valid && index < outcomes.size() ? &outcomes[index] : nullptr;
}

const Json& list_at(const Json& document, const char* key) {
    static const Json kNothing = Json::array();
    const auto found = document.find(key);
    return found != document.end() && found->is_array() ? *found : kNothing;
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

/// A copy that arrived damaged is sent again: the answer's MD5s must be those of what we sent.
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

tl::unexpected<CallFailure> nonsense(const std::string& action) {
    CallFailure failure;
    failure.error.kind = ErrorKind::unavailable;
    failure.error.message = "SQS answered " + action + " without the fields that belong to it.";
    failure.passing = true;
    return tl::unexpected(std::move(failure));
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

AwsCaller::Id SqsApi::receive(const Queue& queue, const ReceiveOptions& options,
                              CallDone<std::vector<ReceivedMessage>> done) {
    Json body{{"QueueUrl", queue.url},
              {"MaxNumberOfMessages", options.max_messages},
              {"WaitTimeSeconds", options.wait.count()},
              {"AttributeNames", {"All"}},
              {"MessageAttributeNames", {"All"}}};
    if (options.visibility) body["VisibilityTimeout"] = options.visibility->count();
    if (!options.attempt_id.empty()) body["ReceiveRequestAttemptId"] = options.attempt_id;
    return caller_.call("ReceiveMessage", body, queue.name,
                        {options.wait + request_timeout_, kMaxReceiveBytes, {}},
                        [done = std::move(done)](CallResult result) {
                            if (!result) return done(tl::unexpected(std::move(result.error())));
                            std::vector<ReceivedMessage> messages;
                            for (const auto& entry : list_at(*result, "Messages")) {
                                if (entry.is_object()) messages.push_back(read_message(entry));
                            }
                            done(std::move(messages));
                        });
}

void SqsApi::batch(std::string action, const Json& body, const Queue& queue, std::size_t entries,
                   CallDone<Outcomes> done) {
    caller_.call(std::move(action), body, queue.name, {request_timeout_, kMaxOtherBytes, {}},
                 [entries, done = std::move(done)](CallResult result) {
                     if (!result) return done(tl::unexpected(std::move(result.error())));
                     done(read_outcomes(*result, entries));
                 });
}

void SqsApi::remove(const Queue& queue, const std::vector<std::string>& receipt_handles,
                    CallDone<Outcomes> done) {
    auto entries = Json::array();
    for (std::size_t i = 0; i < receipt_handles.size(); ++i) {
        entries.push_back({{"Id", std::to_string(i)}, {"ReceiptHandle", receipt_handles[i]}});
    }
    batch("DeleteMessageBatch", {{"QueueUrl", queue.url}, {"Entries", std::move(entries)}}, queue,
          receipt_handles.size(), std::move(done));
}

void SqsApi::change_visibility(const Queue& queue, const std::vector<VisibilityChange>& changes,
                               CallDone<Outcomes> done) {
    auto entries = Json::array();
    for (std::size_t i = 0; i < changes.size(); ++i) {
        entries.push_back({{"Id", std::to_string(i)},
                           {"ReceiptHandle", changes[i].receipt_handle},
                           {"VisibilityTimeout", changes[i].visibility.count()}});
    }
    batch("ChangeMessageVisibilityBatch",
          {{"QueueUrl", queue.url}, {"Entries", std::move(entries)}}, queue, changes.size(),
          std::move(done));
}

void SqsApi::send(const Queue& queue, const std::vector<OutboundMessage>& messages,
                  CallDone<Outcomes> done) {
    auto entries = Json::array();
    std::vector<std::pair<std::string, std::string>> md5s;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        const auto& message = messages[i];
        entries.push_back(write_message(message, i));
        md5s.emplace_back(md5_hex(message.body), message.attributes.empty()
                                                     ? std::string()
                                                     : attributes_md5(message.attributes));
    }
    caller_.call("SendMessageBatch", {{"QueueUrl", queue.url}, {"Entries", std::move(entries)}},
                 queue.name, {request_timeout_, kMaxOtherBytes, {}},
                 [md5s = std::move(md5s), done = std::move(done)](CallResult result) {
                     if (!result) return done(tl::unexpected(std::move(result.error())));
                     auto outcomes = read_outcomes(*result, md5s.size());
                     check_digests(*result, md5s, outcomes);
                     done(std::move(outcomes));
                 });
}

tl::expected<Queue, CallFailure> SqsApi::find_queue(const QueueAddress& address,
                                                    SteadyTime give_up_at) {
    if (!address.url.empty()) return Queue{address.name, address.url};
    Json body{{"QueueName", address.name}};
    if (!address.owner.empty()) body["QueueOwnerAWSAccountId"] = address.owner;
    auto result = caller_.call_and_wait("GetQueueUrl", body, address.name,
                                        {request_timeout_, kMaxOtherBytes, give_up_at});
    if (!result) return tl::unexpected(std::move(result.error()));
    Queue queue{address.name, text_at(*result, "QueueUrl")};
    if (queue.url.empty()) return nonsense("GetQueueUrl");
    return queue;
}

tl::expected<Queue, CallFailure> SqsApi::create_queue(const std::string& name,
                                                      const Attributes& attributes,
                                                      SteadyTime give_up_at) {
    Json body{{"QueueName", name}};
    if (!attributes.empty()) body["Attributes"] = attributes;
    auto result = caller_.call_and_wait("CreateQueue", body, name,
                                        {request_timeout_, kMaxOtherBytes, give_up_at});
    if (!result) return tl::unexpected(std::move(result.error()));
    Queue queue{name, text_at(*result, "QueueUrl")};
    if (queue.url.empty()) return nonsense("CreateQueue");
    return queue;
}

tl::expected<SqsApi::Attributes, CallFailure> SqsApi::attributes(
    const Queue& queue, std::span<const std::string_view> names, SteadyTime give_up_at) {
    Json body{{"QueueUrl", queue.url}, {"AttributeNames", Json::array()}};
    for (const auto name : names) body["AttributeNames"].push_back(std::string(name));
    auto result = caller_.call_and_wait("GetQueueAttributes", body, queue.name,
                                        {request_timeout_, kMaxOtherBytes, give_up_at});
    if (!result) return tl::unexpected(std::move(result.error()));
    Attributes attributes;
    const auto found = result->find("Attributes");
    if (found == result->end() || !found->is_object()) return attributes;
    for (const auto& [name, value] : found->items()) {
        if (value.is_string()) attributes[name] = value.get<std::string>();
    }
    return attributes;
}

}  // namespace rococo::messaging::sqs
