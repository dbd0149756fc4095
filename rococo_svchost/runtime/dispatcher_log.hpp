// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "rococo/logger.hpp"
#include "rococo/messaging/settlement.hpp"
#include "rococo_svchost/runtime/workers.hpp"

namespace rococo::svchost {

// What the dispatcher says in the log.

/// Why processing failed, and what becomes of the message.
void log_failure(const Logger& logger, std::uint32_t max_attempts, const FinishedJob& finished,
                 const messaging::Settlement& verdict);

/// That a message is tried again that was in hand when a host died.
void log_try_after_crash(const Logger& logger, std::uint32_t max_attempts, const Job& job);

/// Calls that take long: see `Workers::take_long_calls`.
void log_long_calls(const Logger& logger, std::span<const Workers::Running> calls);

/// `; still processing m1 (2.5 s, worker 0), m2 (…)`, as the end of a line; empty without calls.
[[nodiscard]] std::string still_processing(std::span<const Workers::Running> calls);

}  // namespace rococo::svchost
