// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/lost_deliveries.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rococo::svchost {

namespace {

constexpr std::chrono::minutes kVerdictKeptFor{10};
// A message that is never heard of again, because another host settled it, is forgotten in the end.
constexpr std::chrono::hours kAttemptsKeptFor{24};
constexpr std::size_t kMostRemembered = 10'000;

}  // namespace

void LostDeliveries::taken_back(MessageIdentity message, bool overdue) {
    drop_old();
    Memory& memory = memory_[message];
    ++memory.being_processed;
    if (overdue) ++memory.overdue_attempts;
    memory.expires = clock_.steady_now() + kAttemptsKeptFor;
}

void LostDeliveries::ended(MessageIdentity message, messaging::Settlement verdict) {
    const auto found = memory_.find(message);
    if (found == memory_.end()) return;
    Memory& memory = found->second;
    if (memory.being_processed > 0) --memory.being_processed;
    memory.verdict = std::move(verdict);
    memory.verdict_expires = clock_.steady_now() + kVerdictKeptFor;
}

bool LostDeliveries::being_processed(MessageIdentity message) const {
    const auto found = memory_.find(message);
    return found != memory_.end() && found->second.being_processed > 0;
}

std::optional<messaging::Settlement> LostDeliveries::take_verdict(MessageIdentity message) {
    const auto found = memory_.find(message);
    if (found == memory_.end() || found->second.verdict_expires < clock_.steady_now())
        return std::nullopt;
    return std::exchange(found->second.verdict, std::nullopt);
}

std::uint32_t LostDeliveries::overdue_attempts(MessageIdentity message) const {
    const auto found = memory_.find(message);
    return found == memory_.end() ? 0 : found->second.overdue_attempts;
}

void LostDeliveries::forget(MessageIdentity message) {
    const auto found = memory_.find(message);
    if (found != memory_.end() && found->second.being_processed == 0) memory_.erase(found);
}

void LostDeliveries::drop_old() {
    const SteadyTime now = clock_.steady_now();
    std::erase_if(memory_, [now](const auto& entry) {
        return entry.second.being_processed == 0 && entry.second.expires < now;
    });
    if (memory_.size() < kMostRemembered) return;
    const auto oldest = std::ranges::min_element(memory_, {}, [](const auto& entry) {
        return entry.second.being_processed > 0 ? SteadyTime::max() : entry.second.expires;
    });
    if (oldest != memory_.end() && oldest->second.being_processed == 0) memory_.erase(oldest);
}

}  // namespace rococo::svchost
