// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/queue_counts.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging {

/// Counts what is in SQS queues by GetQueueAttributes, two requests a call once the queues are
/// known. On standard queues the numbers are approximate, and may lag by a minute.
///
/// **Retries** are messages that are hidden for their delay, and SQS does not tell these from
/// messages in hand. `in_hand` therefore includes them, and `retry` is empty. Messages that were
/// sent with a delay, and are not due, count nowhere.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: clock and logger's sink must outlive it.
/// **Errors**: configuration (among them a missing right to sqs:GetQueueAttributes) or unavailable,
/// after a few seconds.
class SqsInspector {
public:
    /// Does not connect yet.
    SqsInspector(SqsSettings settings, const Clock& clock, RandomSource random = machine_random(),
                 Logger logger = {});
    ~SqsInspector();
    SqsInspector(const SqsInspector&) = delete;
    SqsInspector& operator=(const SqsInspector&) = delete;

    /// The queue is given by name, URL or ARN.
    [[nodiscard]] Result<QueueCounts> counts(const std::string& queue);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
