// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "queue_address.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging::sqs {

/// All that consuming needs to know of a queue.
struct QueueSetup {
    Queue queue;
    std::optional<Queue> dead_letters;  ///< None where there is no place for them.
    QueueAddress dead_letter_address;   ///< Its address once it is created.
    std::chrono::seconds visibility{30};
    std::chrono::seconds own_visibility{30};  ///< What the queue itself says.
};

/// The visibility timeout that holds: what is wished for, within SQS's bounds, or the queue's own
/// where that is zero or nothing. Never less than a second: a message that is not hidden comes back
/// while it is being read.
[[nodiscard]] std::chrono::seconds visibility_in_force(std::optional<std::chrono::seconds> wished,
                                                       std::chrono::seconds own);

/// How a dead-letter queue of that name is created: as long-lived as SQS allows.
[[nodiscard]] SqsApi::Attributes dead_letter_attributes(const std::string& name);

/// The queue at this address. A queue given by name is created if it does not exist and the
/// settings allow it. **Errors**: configuration (unknown, missing permission, …) or unavailable.
[[nodiscard]] Result<Queue> find_or_create(SqsApi& api, const QueueAddress& address,
                                           const SqsSettings& settings, Logger logger);

/// The same, with its visibility timeout and dead-letter queue: the target of its redrive policy,
/// else `<queue>-dead-letter`, which is created if it does not exist. **Errors**: also if the
/// dead-letter queue is not permitted. Other missing permissions, and a missing dead-letter queue,
/// only cause a warning.
[[nodiscard]] Result<QueueSetup> set_up_queue(SqsApi& api, const QueueAddress& address,
                                              const SqsSettings& settings, Logger logger);

/// Looks, without creating anything, whether `set_up_queue` would succeed. Returns what is worth
/// knowing, a sentence each: a queue that does not exist yet. **Errors**: those of `set_up_queue`.
[[nodiscard]] Result<std::vector<std::string>> check_queue(SqsApi& api, const QueueAddress& address,
                                                           const SqsSettings& settings);

/// Where dead letters of the queue are, to look at them: none where there is no such queue.
[[nodiscard]] Result<std::optional<Queue>> look_up_dead_letters(SqsApi& api, const Queue& queue,
                                                                SteadyTime give_up_at);

}  // namespace rococo::messaging::sqs
