// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/retry_policy.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace rococo::svchost {

namespace {

constexpr std::size_t kMaxErrorBytes = 4'096;
constexpr double kJitter = 0.2;

/// Cuts a text to what fits into a header, never inside a UTF-8 character.
std::string shortened(std::string text) {
    if (text.size() <= kMaxErrorBytes) return text;
    std::size_t end = kMaxErrorBytes;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text;
}

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
    if (outcome.kind == Outcome::Kind::ok || policy.drop_failed) return verdict;

    verdict.attempts = attempt;
    verdict.error = shortened(outcome.error);
    if (outcome.kind == Outcome::Kind::permanent) {
        verdict.verdict = messaging::Verdict::dead_letter;
        verdict.reason = "permanent-error";
    } else if (attempt >= policy.max_attempts) {
        verdict.verdict = messaging::Verdict::dead_letter;
        verdict.reason = "max-attempts";
    } else {
        verdict.verdict = messaging::Verdict::retry;
        verdict.delay = outcome.kind == Outcome::Kind::retry_after
                            ? std::chrono::ceil<std::chrono::milliseconds>(
                                  std::max(outcome.delay, std::chrono::microseconds{}))
                            : policy.delay_after(attempt, random);
    }
    return verdict;
}

messaging::Settlement judge_crashed(std::uint32_t attempts) {
    messaging::Settlement verdict;
    verdict.verdict = messaging::Verdict::dead_letter;
    verdict.attempts = attempts;
    verdict.reason = "crash";
    verdict.error = "the host died while it processed this message; " + std::to_string(attempts) +
                    " attempts were made";
    return verdict;
}

}  // namespace rococo::svchost
