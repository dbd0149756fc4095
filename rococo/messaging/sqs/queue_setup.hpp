// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string>

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
    std::chrono::seconds visibility{30};
};

/// The queue at that address; one given by name is created where it is absent and the settings
/// allow it. **Errors**: configuration (unknown, missing permission, …) or unavailable.
[[nodiscard]] Result<Queue> find_or_create(SqsApi& api, const QueueAddress& address,
                                           const SqsSettings& settings, Logger logger);

/// The same, with its visibility timeout and the place of its dead letters: the target of its own
/// redrive policy, else `<queue>-dead-letter`, which is created where it is absent. What the
/// permissions do not show is told as a warning and does not stop the host.
[[nodiscard]] Result<QueueSetup> set_up_queue(SqsApi& api, const QueueAddress& address,
                                              const SqsSettings& settings, Logger logger);

/// Where dead letters of the queue are, to look at them: none where there is no such queue.
[[nodiscard]] Result<std::optional<Queue>> look_up_dead_letters(SqsApi& api, const Queue& queue,
                                                                SteadyTime give_up_at);

}  // namespace rococo::messaging::sqs
