// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/leadership.hpp"

#include <algorithm>
#include <utility>

namespace rococo::svchost {

namespace {

// How often the election's interval of half a second doubles: to 8 s while no election succeeds, to
// 32 s while the winner cannot claim.
constexpr unsigned kMostDoublings = 4;
constexpr unsigned kMostDoublingsAfterClaims = 6;

}  // namespace

Result<Leadership::Change> Leadership::looked(const Result<bool>& led, SteadyTime now) {
    const bool first = !std::exchange(looked_, true);
    claim_failed_ = false;
    if (!led && first && led.error().kind == ErrorKind::configuration)
        return tl::unexpected(led.error());
    if (led) {
        failures_ = 0;
    } else {
        report(led.error(), now);
        failures_ = std::min(failures_ + 1, kMostDoublings);
    }
    const bool leading = led.value_or(false);
    const unsigned doublings = leading ? 0 : std::max(failures_, failed_claims_);
    next_look_ = now + election_->interval * (1U << doublings);
    if (leading == leads_) return Change::none;
    leads_ = leading;
    clock_was_set_back_ = false;
    return leading ? Change::won : Change::lost;
}

void Leadership::report(const Error& error, SteadyTime now) {
    if (const auto line = trouble_.line(error.message, now)) logger_.warning("{}", *line);
}

void Leadership::cannot_take_over(const Error& error, SteadyTime now) {
    report(error, now);
    leads_ = false;
}

bool Leadership::claimed(const Result<bool>& claimed, SteadyTime now) {
    if (claimed) {
        if (*claimed) failed_claims_ = 0;
        if (*claimed) clock_was_set_back_ = false;
        return *claimed;
    }
    failed_claims_ = std::min(failed_claims_ + 1, kMostDoublingsAfterClaims);
    claim_failed_ = true;
    next_look_ = {};  // It no longer leads.
    // The run is not lost: the next leader makes up for it.
    const std::string text = "A run was not started because it could not be claimed: ";
    if (const auto line = lost_claim_.line(text + claimed.error().message, now))
        logger_.warning("{}", *line);
    return false;
}

}  // namespace rococo::svchost
