// SPDX-License-Identifier: MIT
#include "delay_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace rococo::messaging {
namespace {

using std::chrono::milliseconds;

constexpr std::array<milliseconds, 34> kSteps = [] {
    using namespace std::chrono_literals;
    return std::array<milliseconds, 34>{
        100ms, 200ms, 300ms, 500ms, 750ms, 1s,  1500ms, 2s,   3s,   5s,   7s,    10s,
        15s,   20s,   30s,   45s,   1min,  90s, 2min,   3min, 5min, 7min, 10min, 15min,
        20min, 30min, 45min, 1h,    2h,    3h,  6h,     12h,  24h,  168h};
}();

constexpr std::size_t kMaxNameBytes = 255;  // AMQP 0-9-1, shortstr.

std::uint64_t fnv1a(std::string_view text) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char byte : text) {
        hash ^= static_cast<unsigned char>(byte);
        hash *= 1099511628211U;
    }
    return hash;
}

std::string with_suffix(std::string_view queue, std::string_view suffix) {
    if (queue.size() + suffix.size() <= kMaxNameBytes) return fmt::format("{}{}", queue, suffix);
    constexpr std::size_t kDigestBytes = 17;  // A tilde and 16 hexadecimal digits.
    const auto kept = kMaxNameBytes - suffix.size() - kDigestBytes;
    return fmt::format("{}~{:016x}{}", queue.substr(0, kept), fnv1a(queue), suffix);
}

}  // namespace

std::span<const milliseconds> delay_steps() { return kSteps; }

milliseconds round_up_delay(milliseconds delay) {
    const auto* step = std::ranges::lower_bound(kSteps, delay);
    return step == kSteps.end() ? kSteps.back() : *step;
}

std::string delay_queue_name(std::string_view queue, milliseconds step) {
    return with_suffix(queue, fmt::format(".delay.{}", step.count()));
}

std::string retired_delay_queue_name(std::string_view queue, milliseconds step) {
    return with_suffix(queue, fmt::format(".retry.{}", step.count()));
}

std::string dead_letter_queue_name(std::string_view queue) {
    return with_suffix(queue, ".dead-letter");
}

}  // namespace rococo::messaging
