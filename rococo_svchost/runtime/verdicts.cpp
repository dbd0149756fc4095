// SPDX-License-Identifier: MIT
#include "verdicts.hpp"

#include "rococo_svchost/runtime/retry_policy.hpp"

namespace rococo::svchost {

using messaging::Settlement;
using messaging::Verdict;

Cause cause_of(Outcome::Kind outcome, const Settlement& verdict) {
    switch (outcome) {
        case Outcome::Kind::ok:
            return Cause::ok;
        case Outcome::Kind::permanent:
            return Cause::permanent;
        case Outcome::Kind::failed:
        case Outcome::Kind::retry_after:
            break;
    }
    if (verdict.verdict == Verdict::dead_letter) return Cause::max_attempts;
    return outcome == Outcome::Kind::retry_after ? Cause::retry_after : Cause::error;
}

Cause cause_of(const Settlement& verdict) {
    if (verdict.verdict == Verdict::ack) return verdict.error.empty() ? Cause::ok : Cause::error;
    if (verdict.verdict == Verdict::retry) return Cause::error;
    if (verdict.reason == kReasonCrash) return Cause::crash;
    return verdict.reason == kReasonPermanent ? Cause::permanent : Cause::max_attempts;
}

CallEnd end_of(const FinishedJob& finished) {
    switch (finished.outcome.kind) {
        case Outcome::Kind::ok:
            return CallEnd::ok;
        case Outcome::Kind::permanent:
            return CallEnd::permanent;
        case Outcome::Kind::retry_after:
            return CallEnd::retry_after;
        case Outcome::Kind::failed:
            break;
    }
    return finished.overdue ? CallEnd::timeout : CallEnd::error;
}

Settlement without_delivery(const Settlement& verdict) {
    return {.delivery = nullptr,
            .verdict = verdict.verdict,
            .delay = verdict.delay,
            .attempts = verdict.attempts,
            .reason = verdict.reason,
            .error = verdict.error};
}

}  // namespace rococo::svchost
