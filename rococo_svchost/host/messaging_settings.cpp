// SPDX-License-Identifier: MIT
#include "messaging_settings.hpp"

#include <algorithm>

#include "host_context.hpp"
#include "memory_limit.hpp"
#include "rococo_svchost/processors/child_service.hpp"

namespace rococo::svchost {

namespace {

// The most messages that a processor's process is given at once.
constexpr std::size_t kMostInWindow = 128;

std::size_t worker_count(const Configuration& configuration) {
    const bool by_original_name = configuration.text("MESSAGING_TYPE") == "RabbitMqConnection" &&
                                  configuration.is_set("RABBITMQ_NUM_THREADS");
    return static_cast<std::size_t>(
        configuration.integer(by_original_name ? "RABBITMQ_NUM_THREADS" : "NUM_THREADS"));
}

std::size_t max_bytes_in_hand(const Configuration& configuration) {
    return configuration.text("PREFETCH_BYTES") == "auto"
               ? default_bytes_in_hand(memory_limit())
               : static_cast<std::size_t>(configuration.size("PREFETCH_BYTES"));
}

/// No more than may exceed PROCESSOR_MAX_MESSAGES: a process is replaced after a whole window.
std::size_t most_in_window(const Configuration& configuration) {
    const auto limit = static_cast<std::size_t>(configuration.integer("PROCESSOR_MAX_MESSAGES"));
    return limit == 0
               ? kMostInWindow
               : std::clamp<std::size_t>(limit / ChildLimits::kSurplusShare, 1, kMostInWindow);
}

}  // namespace

Dispatcher::Settings dispatcher_settings(const Configuration& configuration) {
    const bool tuned = configuration.text("PREFETCH") == "auto";
    return {.workers = worker_count(configuration),
            .prefetch = tuned ? 0 : static_cast<std::size_t>(configuration.integer("PREFETCH")),
            .max_bytes_in_hand = max_bytes_in_hand(configuration),
            .retry = retry_policy(configuration),
            .drain_timeout = configuration.duration("DRAIN_TIMEOUT"),
            .watch_process_timeout = configuration.duration("PROCESS_TIMEOUT").count() > 0};
}

WorkerPool::Settings pool_settings(const Configuration& configuration,
                                   const ProcessorInfo& processor) {
    return {.workers = worker_count(configuration),
            .max_batch = processor.takes_batches
                             ? static_cast<std::size_t>(configuration.integer("BATCH_SIZE"))
                         : processor.takes_windows ? most_in_window(configuration)
                                                   : 1,
            .windows = processor.takes_windows,
            .process_timeout = configuration.duration("PROCESS_TIMEOUT")};
}

// `auto`: SQS charges for each request.
std::chrono::milliseconds depth_interval(const Configuration& configuration) {
    if (configuration.text("METRICS_QUEUE_INTERVAL") != "auto")
        return configuration.duration("METRICS_QUEUE_INTERVAL");
    const bool charged = configuration.text("MESSAGING_TYPE") == "SqsConnection";
    return std::chrono::seconds(charged ? 60 : 15);
}

}  // namespace rococo::svchost
