// SPDX-License-Identifier: MIT
#include "fake_sqs.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

#include "digest.hpp"
#include "rococo/base/base64.hpp"
#include "sigv4.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

std::vector<MessageAttribute> parse_attributes(const Json& object) {
    std::vector<MessageAttribute> attributes;
    for (const auto& [name, value] : object.items()) {
        const std::string type = value.at("DataType");
        const bool binary = type.rfind("Binary", 0) == 0;
        attributes.push_back(
            {name, type,
             binary ? base64_decode(value.at("BinaryValue").get<std::string>()).value()
                    : value.at("StringValue").get<std::string>()});
    }
    return attributes;
}

std::string name_of(const std::string& url) { return url.substr(url.rfind('/') + 1); }

std::string between(const std::string& text, const std::string& from, const std::string& to) {
    const auto start = text.find(from);
    if (start == std::string::npos) return {};
    const auto end = text.find(to, start + from.size());
    return text.substr(start + from.size(),
                       end == std::string::npos ? end : end - start - from.size());
}

}  // namespace

FakeSqs::FakeSqs() {
    server_ = std::make_unique<StubServer>(
        [this](const StubRequest& request) { return answer(request); });
}

StubAnswer FakeSqs::error(int status, const std::string& code, const std::string& message) {
    return {status, Json{{"__type", "com.amazonaws.sqs#" + code}, {"message", message}}.dump()};
}

/// Why the request's signature does not hold; empty where it does. Recomputed from what arrived,
/// for the headers that the request says are signed.
std::string FakeSqs::refusal(const StubRequest& request) const {
    const auto header = [&](const std::string& name) {
        const auto found = request.headers.find(name);
        return found == request.headers.end() ? std::string() : found->second;
    };
    const auto given = header("authorization");
    const auto scope = between(given, "Credential=", ",");
    if (scope.rfind(key_ + "/", 0) != 0) return unknown_key_;
    if (header("x-amz-security-token") != token_) return unknown_key_;
    std::tm parts{};
    if (strptime(header("x-amz-date").c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr) {
        return "IncompleteSignature";
    }
    const auto signed_at = std::chrono::system_clock::from_time_t(timegm(&parts));
    const auto off = signed_at - (std::chrono::system_clock::now() + offset_);
    if (off > std::chrono::minutes(5) || off < -std::chrono::minutes(5)) {
        return "InvalidSignatureException";
    }
    SignableRequest signable{request.method, request.path, "", {}, request.body};
    auto names = between(given, "SignedHeaders=", ",") + ";";
    std::set<std::string> all;
    for (std::size_t from = 0, to = 0; (to = names.find(';', from)) != std::string::npos;
         from = to + 1) {
        const auto name = names.substr(from, to - from);
        all.insert(name);
        signable.headers.emplace_back(name, header(name));
    }
    if (!all.contains("host") || !all.contains("x-amz-date") || !all.contains("x-amz-target") ||
        (!token_.empty() && !all.contains("x-amz-security-token"))) {
        return "SignatureDoesNotMatch";
    }
    const Credentials credentials{key_, kSecret, token_, std::nullopt, ""};
    const auto expected = authorization(
        signable,
        {"eu-central-1", "sqs", std::chrono::time_point_cast<std::chrono::microseconds>(signed_at)},
        credentials);
    return expected == given ? "" : "SignatureDoesNotMatch";
}

StubAnswer FakeSqs::answer(const StubRequest& request) {
    auto answer = understand(request);
    const std::lock_guard lock(mutex_);
    const auto now =
        std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + offset_);
    std::array<char, 64> date{};
    std::tm parts{};
    std::strftime(date.data(), date.size(), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
    answer.headers.emplace_back("Date", date.data());
    return answer;
}

StubAnswer FakeSqs::understand(const StubRequest& request) {
    const auto target = request.headers.find("x-amz-target");
    const auto action = target == request.headers.end() ? "" : target->second.substr(10);
    const auto body = Json::parse(request.body, nullptr, false);
    Fault fault;
    Twist twist;
    {
        const std::lock_guard lock(mutex_);
        ++requests_[action];
        if (const auto why = refusal(request); !why.empty()) {
            last_refusal_ = why;
            return error(403, why, "x-amz-security-token:secret-in-the-canonical-string");
        }
        fault = fault_;
        twist = twist_;
    }
    if (fault) {
        if (auto answer = fault(action, body)) return *answer;
    }
    if (!body.is_object()) return error(400, "InvalidParameterValue", "not JSON");
    auto answer = perform(action, body);
    if (twist && answer.status == 200) {
        auto document = Json::parse(answer.body);
        twist(action, document);
        answer.body = document.dump();
    }
    return answer;
}

StubAnswer FakeSqs::perform(const std::string& action, const Json& body) {
    if (action == "ReceiveMessage") {
        const auto name = name_of(body.at("QueueUrl"));
        if (!exists(name)) return error(400, "QueueDoesNotExist", "no such queue");
        return {200, receive(name, body).dump()};
    }
    const std::lock_guard lock(mutex_);
    const std::string name = body.contains("QueueName") ? body.at("QueueName").get<std::string>()
                                                        : name_of(body.at("QueueUrl"));
    if (action == "CreateQueue") {
        queues_[name].attributes = body.value("Attributes", Json::object());
    }
    const auto found = queues_.find(name);
    if (found == queues_.end()) return error(400, "QueueDoesNotExist", "no such queue");
    auto& queue = found->second;
    if (action == "CreateQueue" || action == "GetQueueUrl") {
        return {200, Json{{"QueueUrl", "http://fake/123456789012/" + name}}.dump()};
    }
    if (action == "GetQueueAttributes") return {200, attributes(queue).dump()};
    Json successful = Json::array();
    Json failed = Json::array();
    for (const auto& entry : body.at("Entries")) {
        auto outcome =
            action == "SendMessageBatch" ? send(queue, entry) : change(queue, action, entry);
        outcome["Id"] = entry.at("Id");
        (outcome.contains("Code") ? failed : successful).push_back(outcome);
    }
    changed_.notify_all();
    return {200, Json{{"Successful", successful}, {"Failed", failed}}.dump()};
}

Json FakeSqs::attributes(const QueueState& queue) {
    const auto now = std::chrono::steady_clock::now();
    int visible = 0;
    int hidden = 0;
    for (const auto& message : queue.messages) {
        if (!message.deleted) ++(message.visible_at <= now ? visible : hidden);
    }
    Json all{{"VisibilityTimeout", "30"},
             {"ApproximateNumberOfMessages", std::to_string(visible)},
             {"ApproximateNumberOfMessagesNotVisible", std::to_string(hidden)},
             {"ApproximateNumberOfMessagesDelayed", "0"}};
    all.update(queue.attributes);
    return {{"Attributes", all}};
}

Json FakeSqs::receive(const std::string& name, const Json& body) {
    const auto until = std::chrono::steady_clock::now() + seconds(body.value("WaitTimeSeconds", 0));
    std::unique_lock lock(mutex_);
    most_polls_ = std::max(most_polls_, ++polls_);
    Json messages;
    for (;;) {
        messages = receive_now(queues_[name], body);
        const auto now = std::chrono::steady_clock::now();
        if (!messages.empty() || now >= until) break;
        changed_.wait_until(lock, std::min(until, now + std::chrono::milliseconds(10)));
    }
    --polls_;
    return messages.empty() ? Json::object() : Json{{"Messages", messages}};
}

Json FakeSqs::receive_now(QueueState& queue, const Json& body) {
    const auto now = std::chrono::steady_clock::now();
    std::set<std::string> locked;
    for (const auto& message : queue.messages) {
        if (!message.deleted && message.visible_at > now && !message.group.empty()) {
            locked.insert(message.group);
        }
    }
    Json messages = Json::array();
    for (auto& message : queue.messages) {
        if (messages.size() >= body.value("MaxNumberOfMessages", 1U)) break;
        if (message.deleted || message.visible_at > now) continue;
        if (locked.contains(message.group)) continue;
        message.visible_at = now + seconds(body.value("VisibilityTimeout", 30));
        message.handle = "handle-" + std::to_string(++last_id_);
        ++message.receives;
        Json one{{"MessageId", message.id},
                 {"ReceiptHandle", message.handle},
                 {"Body", message.body},
                 {"MD5OfBody", md5_hex(message.body)},
                 {"Attributes",
                  {{"ApproximateReceiveCount", std::to_string(message.receives)},
                   {"SentTimestamp", std::to_string(message.sent_ms)},
                   {"ApproximateFirstReceiveTimestamp", "1795552202575"}}}};
        if (!message.group.empty()) one["Attributes"]["MessageGroupId"] = message.group;
        if (!message.attributes.empty()) {
            one["MessageAttributes"] = message.attributes;
            one["MD5OfMessageAttributes"] = attributes_md5(parse_attributes(message.attributes));
        }
        messages.push_back(one);
    }
    return messages;
}

Json FakeSqs::send(QueueState& queue, const Json& entry) {
    Stored message{"m-" + std::to_string(++last_id_), entry.at("MessageBody"),
                   entry.value("MessageAttributes", Json::object()),
                   entry.value("MessageGroupId", ""), entry.value("MessageDeduplicationId", "")};
    message.sent_ms = now_ms();
    Json outcome{{"MessageId", message.id}, {"MD5OfMessageBody", md5_hex(message.body)}};
    if (!message.attributes.empty()) {
        outcome["MD5OfMessageAttributes"] = attributes_md5(parse_attributes(message.attributes));
    }
    const bool repeated =
        !message.deduplication_id.empty() &&
        std::any_of(queue.messages.begin(), queue.messages.end(), [&](const Stored& other) {
            return other.deduplication_id == message.deduplication_id;
        });
    if (!repeated) queue.messages.push_back(std::move(message));
    return outcome;
}

Json FakeSqs::change(QueueState& queue, const std::string& action, const Json& entry) {
    const auto now = std::chrono::steady_clock::now();
    const auto found =
        std::find_if(queue.messages.begin(), queue.messages.end(), [&](const Stored& message) {
            return !message.deleted && message.handle == entry.at("ReceiptHandle");
        });
    if (found == queue.messages.end()) {
        // A standard queue answers a late delete with success, and does nothing.
        if (action == "DeleteMessageBatch") return Json::object();
        return {{"Code", "ReceiptHandleIsInvalid"}, {"Message", "stale"}, {"SenderFault", true}};
    }
    if (action == "DeleteMessageBatch") {
        found->deleted = true;
        return Json::object();
    }
    if (found->visible_at <= now) {
        return {
            {"Code", "MessageNotInflight"}, {"Message", "not in flight"}, {"SenderFault", true}};
    }
    found->visible_at = now + seconds(entry.at("VisibilityTimeout").get<int>());
    return Json::object();
}

std::int64_t FakeSqs::now_ms() const {
    const auto now = std::chrono::system_clock::now() + offset_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
}

void FakeSqs::drop(const std::string& name) {
    const std::lock_guard lock(mutex_);
    queues_.erase(name);
}

void FakeSqs::accept_key(const std::string& key) {
    const std::lock_guard lock(mutex_);
    key_ = key;
}

void FakeSqs::create(const std::string& name, Json attributes) {
    const std::lock_guard lock(mutex_);
    queues_[name].attributes = std::move(attributes);
}

void FakeSqs::put(const std::string& queue, const std::string& body, const std::string& group,
                  Json attributes) {
    const std::lock_guard lock(mutex_);
    queues_[queue].messages.push_back(
        {"m-" + std::to_string(++last_id_), body, std::move(attributes), group, ""});
    queues_[queue].messages.back().sent_ms = now_ms();
    changed_.notify_all();
}

void FakeSqs::inject(Fault fault) {
    const std::lock_guard lock(mutex_);
    fault_ = std::move(fault);
}

void FakeSqs::twist(Twist twist) {
    const std::lock_guard lock(mutex_);
    twist_ = std::move(twist);
}

void FakeSqs::set_clock_offset(seconds offset) {
    const std::lock_guard lock(mutex_);
    offset_ = offset;
}

void FakeSqs::set_session_token(const std::string& token) {
    const std::lock_guard lock(mutex_);
    token_ = token;
}

bool FakeSqs::exists(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    return queues_.contains(queue);
}

std::vector<FakeSqs::Stored> FakeSqs::messages(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    std::vector<Stored> left;
    for (const auto& message : queues_[queue].messages) {
        if (!message.deleted) left.push_back(message);
    }
    return left;
}

int FakeSqs::requests(const std::string& action) {
    const std::lock_guard lock(mutex_);
    return requests_[action];
}

int FakeSqs::most_polls_at_once() {
    const std::lock_guard lock(mutex_);
    return most_polls_;
}

std::string FakeSqs::last_refusal() {
    const std::lock_guard lock(mutex_);
    return last_refusal_;
}

}  // namespace rococo::messaging::sqs
