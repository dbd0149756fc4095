// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/retry_policy.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>

#include "rococo/base/counted.hpp"
#include "rococo/base/utf8.hpp"

namespace rococo::svchost {

namespace {

constexpr std::size_t kMaxErrorBytes = 4'096;
constexpr double kJitter = 0.2;

}  // namespace

std::chrono::milliseconds RetryPolicy::delay_after(std::uint32_t attempt, double random) const {
    // Bounded, since zero times infinity is no delay: 2^63 ms exceeds whatever may be set.
    const double doublings = std::min(std::max(attempt, 1U) - 1, 63U);
    const double full = std::min(static_cast<double>(first_delay.count()) * std::exp2(doublings),
                                 static_cast<double>(max_delay.count()));
    return std::chrono::milliseconds(std::llround(full * (1 - kJitter * random)));
}

messaging::Settlement judge(const RetryPolicy& policy, const Outcome& outcome,
                            std::uint32_t attempt, double random) {
    messaging::Settlement verdict;
    if (outcome.kind == Outcome::Kind::ok) return verdict;

    verdict.error = beginning(outcome.error, kMaxErrorBytes);
    if (policy.drop_failed) return verdict;
    verdict.attempts = attempt;
    if (outcome.kind == Outcome::Kind::permanent) {
        verdict.verdict = messaging::Verdict::dead_letter;
        verdict.reason = kReasonPermanent;
    } else if (attempt >= policy.max_attempts) {
        verdict.verdict = messaging::Verdict::dead_letter;
        verdict.reason = kReasonMaxAttempts;
    } else {
        verdict.verdict = messaging::Verdict::retry;
        verdict.delay = outcome.kind == Outcome::Kind::retry_after
                            ? std::chrono::ceil<std::chrono::milliseconds>(
                                  std::max(outcome.delay, std::chrono::microseconds{}))
                            : policy.delay_after(attempt, random);
    }
    return verdict;
}

namespace {

messaging::Settlement given_up(std::uint32_t attempts, std::string reason, std::string_view why) {
    messaging::Settlement verdict;
    verdict.verdict = messaging::Verdict::dead_letter;
    verdict.attempts = attempts;
    verdict.reason = std::move(reason);
    verdict.error = std::string(why) + "; " + counted(attempts, "attempt") +
                    (attempts == 1 ? " was made" : " were made");
    return verdict;
}

}  // namespace

messaging::Settlement judge_crashed(std::uint32_t attempts) {
    return given_up(attempts, std::string(kReasonCrash),
                    "the host died while it processed this message");
}

messaging::Settlement judge_overdue(std::uint32_t attempts) {
    return given_up(attempts, std::string(kReasonMaxAttempts),
                    "the queue took this message back each time, since its processing took longer "
                    "than the queue allows");
}

}  // namespace rococo::svchost
