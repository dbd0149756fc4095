// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "aws_caller.hpp"
#include "queue_address.hpp"
#include "rococo/base/result.hpp"
#include "rococo/base/text.hpp"
#include "sqs_answers.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

/// A queue that exists.
struct Queue {
    std::string name;
    std::string url;
    [[nodiscard]] bool fifo() const { return name.ends_with(".fifo"); }
};

struct ReceiveOptions {
    std::size_t max_messages = kMaxBatch;
    std::chrono::seconds wait{0};
    std::optional<std::chrono::seconds> visibility;
    std::string attempt_id;  ///< FIFO: a repeated try brings the same messages.
};

/// A visibility change: from now on hidden for so long; zero is visible at once.
struct VisibilityChange {
    std::string receipt_handle;
    std::chrono::seconds visibility{0};
};

template <typename T>
using CallDone = std::function<void(tl::expected<T, CallFailure>)>;

/// SQS's actions, in words of C++.
///
/// **Thread-safety**, **Ownership**: those of `AwsCaller`, which outlives it.
class SqsApi {
public:
    explicit SqsApi(AwsCaller& caller, const SqsSettings& settings)
        : caller_(caller), request_timeout_(settings.request_timeout) {}

    /// One try each; the outcome of every entry of a batch, in its order.
    AwsCaller::Id receive(const Queue& queue, const ReceiveOptions& options,
                          CallDone<std::vector<ReceivedMessage>> done);
    void remove(const Queue& queue, const std::vector<std::string>& receipt_handles,
                CallDone<Outcomes> done);
    void change_visibility(const Queue& queue, const std::vector<VisibilityChange>& changes,
                           CallDone<Outcomes> done);
    /// An answer whose MD5 is not the message's counts as a failed entry that may be tried again.
    void send(const Queue& queue, const std::vector<OutboundMessage>& messages,
              CallDone<Outcomes> done);

    using Attributes = std::map<std::string, std::string>;

    /// One try each, as the waiting ones below.
    void look_for(const QueueAddress& address, CallDone<Queue> done);
    void create(const std::string& name, const Attributes& attributes, CallDone<Queue> done);
    void ask_attributes(const Queue& queue, std::span<const std::string_view> names,
                        CallDone<Attributes> done);

    /// These wait for the answer, and try again until then.
    [[nodiscard]] tl::expected<Queue, CallFailure> find_queue(const QueueAddress& address,
                                                              SteadyTime give_up_at);
    [[nodiscard]] tl::expected<Queue, CallFailure> create_queue(const std::string& name,
                                                                const Attributes& attributes,
                                                                SteadyTime give_up_at);
    [[nodiscard]] tl::expected<Attributes, CallFailure> attributes(
        const Queue& queue, std::span<const std::string_view> names, SteadyTime give_up_at);

    [[nodiscard]] AwsCaller& caller() const { return caller_; }

private:
    void batch(std::string action, const nlohmann::json& body, const Queue& queue,
               std::size_t entries, CallDone<Outcomes> done);

    AwsCaller& caller_;
    std::chrono::milliseconds request_timeout_;
};

/// A number among a queue's attributes; `fallback` if it is not there.
template <typename Number>
[[nodiscard]] Number number_at(const SqsApi::Attributes& attributes, std::string_view name,
                               Number fallback) {
    const auto found = attributes.find(std::string(name));
    if (found == attributes.end()) return fallback;
    return parse_number<Number>(found->second).value_or(fallback);
}

}  // namespace rococo::messaging::sqs
