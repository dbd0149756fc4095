// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/messaging/settlement.hpp"
#include "rococo_svchost/runtime/job.hpp"
#include "rococo_svchost/runtime/run_observer.hpp"

namespace rococo::svchost {

/// Why the message of a call that has just ended has this verdict.
[[nodiscard]] Cause cause_of(Outcome::Kind outcome, const messaging::Settlement& verdict);

/// The same of a verdict without a call: on what died with a host, or what was found out before the
/// queue took the message back.
[[nodiscard]] Cause cause_of(const messaging::Settlement& verdict);

[[nodiscard]] CallEnd end_of(const FinishedJob& finished);

/// All of a verdict but its delivery.
[[nodiscard]] messaging::Settlement without_delivery(const messaging::Settlement& verdict);

}  // namespace rococo::svchost
