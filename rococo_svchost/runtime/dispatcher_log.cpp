// SPDX-License-Identifier: MIT
#include "dispatcher_log.hpp"

#include <fmt/format.h>

#include <chrono>

#include "rococo/base/counted.hpp"
#include "rococo/messaging/message_name.hpp"

namespace rococo::svchost {

using messaging::Verdict;

namespace {

// A line names no more calls than these.
constexpr std::size_t kMostNamed = 5;

double seconds(std::chrono::duration<double> duration) { return duration.count(); }

}  // namespace

void log_failure(const Logger& logger, std::uint32_t max_attempts, const FinishedJob& finished,
                 const messaging::Settlement& verdict) {
    const std::string id = messaging::message_name(*finished.job.delivery);
    const std::string& error = finished.outcome.error;
    const std::uint32_t attempt = finished.job.attempt;
    switch (verdict.verdict) {
        case Verdict::retry:
            logger.warning("Attempt {} of {} failed for message {}, again in {:.3g} s: {}", attempt,
                           max_attempts, id, seconds(verdict.delay), error);
            break;
        case Verdict::dead_letter:
            logger.error("Message {} goes to the dead letters ({}) after {}: {}", id,
                         verdict.reason, counted(attempt, "attempt"), error);
            break;
        default:
            logger.error("Message {} failed and is dropped (ON_FAILURE=ack): {}", id, error);
    }
}

void log_try_after_crash(const Logger& logger, std::uint32_t max_attempts, const Job& job) {
    logger.warning("Message {} was in hand when a previous run died: this is attempt {} of {}",
                   messaging::message_name(*job.delivery), job.attempt, max_attempts);
}

void log_long_calls(const Logger& logger, std::span<const Workers::Running> calls) {
    for (const Workers::Running& call : calls) {
        if (call.overdue) {
            logger.warning(
                "Processing of message {} by worker {} has passed PROCESS_TIMEOUT: running for "
                "{:.3g} s",
                call.message, call.worker, seconds(call.running_for));
        } else {
            logger.warning("Message {} is still being processed by worker {}, for {:.0f} s now",
                           call.message, call.worker, seconds(call.running_for));
        }
    }
}

std::string still_processing(std::span<const Workers::Running> calls) {
    std::string text;
    for (const Workers::Running& call : calls.first(std::min(calls.size(), kMostNamed))) {
        text += fmt::format("{}{}{} ({:.3g} s, worker {})",
                            text.empty() ? "; still processing " : ", ", call.message,
                            call.messages > 1 ? fmt::format(" and {} more", call.messages - 1) : "",
                            seconds(call.running_for), call.worker);
    }
    if (calls.size() > kMostNamed) text += fmt::format(", and {} more", calls.size() - kMostNamed);
    return text;
}

}  // namespace rococo::svchost
