// SPDX-License-Identifier: MIT
#include "sqs_api.hpp"

#include <nlohmann/json.hpp>

#include "digest.hpp"
#include "rococo/base/base64.hpp"
#include "rococo/base/timestamp.hpp"

namespace rococo::messaging::sqs {
namespace {

using Json = nlohmann::json;

/// For each message of 1 MiB, whose bytes may be escaped in JSON. What is all escapes (six bytes
/// for a control character) SQS does not take in the first place, but for tabs and line ends.
constexpr std::size_t kMaxReceiveBytes = std::size_t{4} << 20U;
constexpr std::size_t kMaxOtherBytes = std::size_t{1} << 20U;

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

/// The queue that an answer to GetQueueUrl or CreateQueue names.
tl::expected<Queue, CallFailure> read_queue(const std::string& action, const std::string& name,
                                            CallResult result) {
    if (!result) return tl::unexpected(std::move(result.error()));
    const auto url = result->find("QueueUrl");
    if (url != result->end() && url->is_string() && !url->get<std::string>().empty()) {
        return Queue{name, url->get<std::string>()};
    }
    return tl::unexpected(CallFailure{
        {ErrorKind::unavailable, "SQS answered " + action + " without a queue's URL."}, "", true});
}

Json attributes_body(const Queue& queue, std::span<const std::string_view> names) {
    Json body{{"QueueUrl", queue.url}, {"AttributeNames", Json::array()}};
    for (const auto name : names) body["AttributeNames"].push_back(std::string(name));
    return body;
}

SqsApi::Attributes read_attributes(const Json& document) {
    SqsApi::Attributes attributes;
    const auto found = document.find("Attributes");
    if (found == document.end() || !found->is_object()) return attributes;
    for (const auto& [name, value] : found->items()) {
        if (value.is_string()) attributes[name] = value.get<std::string>();
    }
    return attributes;
}

Json lookup_body(const QueueAddress& address) {
    Json body{{"QueueName", address.name}};
    if (!address.owner.empty()) body["QueueOwnerAWSAccountId"] = address.owner;
    return body;
}

Json creation_body(const std::string& name, const SqsApi::Attributes& attributes) {
    Json body{{"QueueName", name}};
    if (!attributes.empty()) body["Attributes"] = attributes;
    return body;
}

}  // namespace

AwsCaller::Id SqsApi::receive(const Queue& queue, const ReceiveOptions& options,
                              CallDone<std::vector<ReceivedMessage>> done) {
    Json body{{"QueueUrl", queue.url},
              {"MaxNumberOfMessages", options.max_messages},
              {"WaitTimeSeconds", options.wait.count()},
              {"AttributeNames", {"All"}},
              {"MessageAttributeNames", {"All"}}};
    if (options.visibility) body["VisibilityTimeout"] = options.visibility->count();
    if (!options.attempt_id.empty()) body["ReceiveRequestAttemptId"] = options.attempt_id;
    return caller_.call(
        "ReceiveMessage", body, queue.name,
        {options.wait + request_timeout_, (options.max_messages + 1) * kMaxReceiveBytes, {}},
        [done = std::move(done)](const CallResult& result) { done(result.map(read_messages)); });
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

void SqsApi::look_for(const QueueAddress& address, CallDone<Queue> done) {
    caller_.call("GetQueueUrl", lookup_body(address), address.name,
                 {request_timeout_, kMaxOtherBytes, {}},
                 [name = address.name, done = std::move(done)](CallResult result) {
                     done(read_queue("GetQueueUrl", name, std::move(result)));
                 });
}

void SqsApi::create(const std::string& name, const Attributes& attributes, CallDone<Queue> done) {
    caller_.call("CreateQueue", creation_body(name, attributes), name,
                 {request_timeout_, kMaxOtherBytes, {}},
                 [name, done = std::move(done)](CallResult result) {
                     done(read_queue("CreateQueue", name, std::move(result)));
                 });
}

tl::expected<Queue, CallFailure> SqsApi::find_queue(const QueueAddress& address,
                                                    SteadyTime give_up_at) {
    if (!address.url.empty()) return Queue{address.name, address.url};
    return read_queue("GetQueueUrl", address.name,
                      caller_.call_and_wait("GetQueueUrl", lookup_body(address), address.name,
                                            {request_timeout_, kMaxOtherBytes, give_up_at}));
}

tl::expected<Queue, CallFailure> SqsApi::create_queue(const std::string& name,
                                                      const Attributes& attributes,
                                                      SteadyTime give_up_at) {
    return read_queue("CreateQueue", name,
                      caller_.call_and_wait("CreateQueue", creation_body(name, attributes), name,
                                            {request_timeout_, kMaxOtherBytes, give_up_at}));
}

void SqsApi::ask_attributes(const Queue& queue, std::span<const std::string_view> names,
                            CallDone<Attributes> done) {
    caller_.call(
        "GetQueueAttributes", attributes_body(queue, names), queue.name,
        {request_timeout_, kMaxOtherBytes, {}},
        [done = std::move(done)](const CallResult& result) { done(result.map(read_attributes)); });
}

tl::expected<SqsApi::Attributes, CallFailure> SqsApi::attributes(
    const Queue& queue, std::span<const std::string_view> names, SteadyTime give_up_at) {
    return caller_
        .call_and_wait("GetQueueAttributes", attributes_body(queue, names), queue.name,
                       {request_timeout_, kMaxOtherBytes, give_up_at})
        .map(read_attributes);
}

}  // namespace rococo::messaging::sqs
