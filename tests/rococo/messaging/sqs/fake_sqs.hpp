// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stub_server.hpp"

namespace rococo::messaging::sqs {

/// SQS as far as its documentation tells, in memory and in this process: visibility, FIFO groups,
/// batches, MD5s. It verifies every request's signature, and fails as the test says.
///
/// **Thread-safety**: all members may be called from any thread.
class FakeSqs {
public:
    using Json = nlohmann::json;
    using Time = std::chrono::steady_clock::time_point;

    struct Stored {
        std::string id;
        std::string body;
        Json attributes;
        std::string group;
        std::string deduplication_id;
        int receives = 0;
        Time visible_at{};
        std::string handle{};
        bool deleted = false;
        std::int64_t sent_ms = 0;
    };

    static constexpr const char* kKey = "AKIDFAKE";
    static constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG";

    FakeSqs();

    [[nodiscard]] std::string url() const { return server_->url(); }

    /// Makes a queue; `attributes` as in CreateQueue.
    void create(const std::string& name, Json attributes = Json::object());
    /// Deletes a queue with all that is in it.
    void drop(const std::string& name);
    /// Puts messages into a queue.
    void put(const std::string& queue, const std::string& body, const std::string& group = "",
             Json attributes = Json::object());

    /// What a request is answered with instead: called for each, until it returns an answer.
    using Fault =
        std::function<std::optional<StubAnswer>(const std::string& action, const Json& body)>;
    void inject(Fault fault);
    /// Changes an answer before it goes out.
    using Twist = std::function<void(const std::string& action, Json& answer)>;
    void twist(Twist twist);
    /// The time that requests must be signed with, relative to this machine's.
    void set_clock_offset(std::chrono::seconds offset);
    void set_session_token(const std::string& token);
    /// From now on that key is good, and none else.
    void accept_key(const std::string& key);
    /// What a request with another key or token is answered.
    void refuse_keys_with(const std::string& code) { unknown_key_ = code; }

    /// What it answers to a request that came to another server.
    StubAnswer answer(const StubRequest& request);

    [[nodiscard]] bool exists(const std::string& queue);
    [[nodiscard]] std::vector<Stored> messages(const std::string& queue);
    [[nodiscard]] int requests(const std::string& action);
    [[nodiscard]] int most_polls_at_once();
    [[nodiscard]] std::string last_refusal();

private:
    struct QueueState {
        Json attributes;
        std::deque<Stored> messages;
    };

    StubAnswer understand(const StubRequest& request);
    [[nodiscard]] std::int64_t now_ms() const;
    [[nodiscard]] std::string refusal(const StubRequest& request) const;
    StubAnswer perform(const std::string& action, const Json& body);
    Json receive(const std::string& name, const Json& body);
    Json receive_now(QueueState& queue, const Json& body);
    Json send(QueueState& queue, const Json& entry);
    Json change(QueueState& queue, const std::string& action, const Json& entry);
    [[nodiscard]] Json attributes(const QueueState& queue);
    static StubAnswer error(int status, const std::string& code, const std::string& message);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<std::string, QueueState> queues_;
    std::map<std::string, int> requests_;
    Fault fault_;
    Twist twist_;
    std::chrono::seconds offset_{0};
    std::string token_;
    std::string key_ = kKey;
    std::string unknown_key_ = "InvalidClientTokenId";  // Set before requests arrive.
    std::string last_refusal_;
    int polls_ = 0;
    int most_polls_ = 0;
    std::uint64_t last_id_ = 0;
    std::unique_ptr<StubServer> server_;  // Last made, first gone: it calls the others.
};

}  // namespace rococo::messaging::sqs
