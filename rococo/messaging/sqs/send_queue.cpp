// SPDX-License-Identifier: MIT
#include "send_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace rococo::messaging::sqs {
namespace {

/// Few enough that messages of many threads gather in full batches meanwhile.
constexpr std::size_t kMaxInFlight = 4;

}  // namespace

SendQueue::SendQueue(SqsApi& api, Queue queue, const SqsSettings& settings, RandomSource random)
    : api_(api),
      queue_(std::move(queue)),
      random_(std::move(random)),
      backoff_(settings.first_backoff, settings.longest_backoff) {}

void SendQueue::add(const std::shared_ptr<SendJob>& job) {
    for (std::size_t i = 0; i < job->messages.size(); ++i) items_.push_back({job, i});
}

void SendQueue::fail(SendJob& job, Error error) {
    if (job.over()) return;
    job.error = std::move(error);
    job.done();
}

void SendQueue::give_up_late(SteadyTime now) {
    std::erase_if(items_, [&](const Item& item) {
        if (now >= item.job->give_up_at) {
            fail(*item.job,
                 {ErrorKind::unavailable,
                  fmt::format("Sending to SQS queue '{}' did not succeed in time: {}", queue_.name,
                              last_failure_.empty() ? "no answer" : last_failure_)});
        }
        return item.job->over();
    });
}

SteadyTime SendQueue::pump(SteadyTime now) {
    give_up_late(now);
    const auto max_in_flight = queue_.fifo() ? 1 : kMaxInFlight;
    while (!items_.empty() && in_flight_ < max_in_flight && now >= paused_until_) start_batch();
    if (items_.empty() || in_flight_ >= max_in_flight) return SteadyTime::max();
    return paused_until_;
}

std::vector<SendQueue::Item> SendQueue::take_batch() {
    std::vector<Item> batch;
    std::unordered_set<std::string_view> groups;
    std::size_t bytes = 0;
    for (auto item = items_.begin(); item != items_.end() && batch.size() < kMaxBatch;) {
        const auto& message = item->message();
        if (!batch.empty() && bytes + message.bytes() > kMaxMessageBytes) break;
        // FIFO: the second of a group waits for the answer to the first.
        if (queue_.fifo() && !groups.insert(message.group_id).second) {
            ++item;
            continue;
        }
        bytes += message.bytes();
        batch.push_back(std::move(*item));
        item = items_.erase(item);
    }
    return batch;
}

void SendQueue::start_batch() {
    auto batch = take_batch();
    std::vector<OutboundMessage> messages;
    messages.reserve(batch.size());
    for (const auto& item : batch) messages.push_back(item.message());
    ++in_flight_;
    api_.send(queue_, messages, [this, batch = std::move(batch)](const auto& result) mutable {
        answered(std::move(batch), result);
    });
}

void SendQueue::answered(std::vector<Item> batch,
                         const tl::expected<Outcomes, CallFailure>& result) {
    --in_flight_;
    std::vector<Item> again;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        SendJob& job = *batch[i].job;
        if (result && (*result)[i].done()) {
            if (!job.over() && --job.left == 0) job.done();
            continue;
        }
        const bool passing = result ? (*result)[i].passing() : result.error().passing;
        last_failure_ = result ? fmt::format("{}: {}", (*result)[i].code, (*result)[i].message)
                               : result.error().error.message;
        if (passing) {
            again.push_back(std::move(batch[i]));
        } else if (result) {
            fail(job, {ErrorKind::configuration, fmt::format("SQS queue '{}' refuses a message: {}",
                                                             queue_.name, last_failure_)});
        } else {
            fail(job, result.error().error);
        }
    }
    if (again.empty()) {
        backoff_.reset();
        return;
    }
    items_.insert(items_.begin(), std::make_move_iterator(again.begin()),
                  std::make_move_iterator(again.end()));
    paused_until_ = api_.caller().clock().steady_now() + backoff_.next_from_zero(random_);
}

}  // namespace rococo::messaging::sqs
