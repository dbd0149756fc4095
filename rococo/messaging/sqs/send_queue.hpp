// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue_setup.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"
#include "sqs_api.hpp"
#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

/// One `send`, until all of its messages are answered or one has failed for good.
struct SendJob {
    std::string queue;
    std::vector<OutboundMessage> messages;
    SteadyTime give_up_at;
    std::size_t left = 0;  ///< Messages not answered yet.
    std::optional<Error> error;
    std::function<void()> done;  ///< Called once, on the sender's thread.

    [[nodiscard]] bool over() const { return left == 0 || error.has_value(); }
};

/// What waits to be sent to one queue, and its batches under way.
///
/// **Thread-safety**: the sender's thread only.
class SendQueue {
public:
    SendQueue(SqsApi& api, Queue queue, const SqsSettings& settings, RandomSource random);

    void add(const std::shared_ptr<SendJob>& job);

    /// Starts what can be started; returns when there will be more to do.
    SteadyTime pump(SteadyTime now);

private:
    struct Item {
        std::shared_ptr<SendJob> job;
        std::size_t index;
        [[nodiscard]] const OutboundMessage& message() const { return job->messages[index]; }
    };

    void give_up_late(SteadyTime now);
    [[nodiscard]] std::vector<Item> take_batch();
    void start_batch();
    void answered(std::vector<Item> batch, const tl::expected<Outcomes, CallFailure>& result);
    static void fail(SendJob& job, Error error);

    SqsApi& api_;
    Queue queue_;
    RandomSource random_;
    Backoff backoff_;
    SteadyTime paused_until_ = SteadyTime::min();
    std::deque<Item> items_;
    std::size_t in_flight_ = 0;
    std::string last_failure_;
};

}  // namespace rococo::messaging::sqs
