// SPDX-License-Identifier: MIT
#include "rococo/configuration/suggestion.hpp"

#include <algorithm>
#include <vector>

#include "rococo/base/text.hpp"

namespace rococo {
namespace {

/// Longer words are not typos, and the distance takes quadratic time.
constexpr std::size_t kLongestWord = 100;

}  // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
    // Three rows of the usual table, because a swap looks back two rows.
    std::vector<std::size_t> before_last(to.size() + 1);
    std::vector<std::size_t> last(to.size() + 1);
    std::vector<std::size_t> row(to.size() + 1);
    for (std::size_t j = 0; j <= to.size(); ++j) last[j] = j;

    for (std::size_t i = 1; i <= from.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= to.size(); ++j) {
            const std::size_t replaced = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
            const bool swapped =
                i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1];
            if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
        }
        std::swap(before_last, last);
        std::swap(last, row);
    }
    return last[to.size()];
}

namespace {

/// The only candidate that starts with the word: `RabbitMqConnection` for `rabbitmq`.
std::optional<std::string_view> only_beginning_with(std::string_view wanted,
                                                    std::span<const std::string_view> candidates) {
    constexpr std::size_t kShortest = 3;
    if (wanted.size() < kShortest) return std::nullopt;
    std::optional<std::string_view> only;
    for (const std::string_view candidate : candidates) {
        if (!to_lower(candidate).starts_with(wanted)) continue;
        if (only) return std::nullopt;
        only = candidate;
    }
    return only;
}

}  // namespace

std::optional<std::string_view> closest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
    if (word.empty() || word.size() > kLongestWord) return std::nullopt;
    constexpr std::size_t kMostEdits = 3;
    // A third of the length, but at least two edits, or one for very short words.
    const std::size_t allowed =
        std::min(kMostEdits, std::max<std::size_t>(word.size() > 3 ? 2 : 1, word.size() / 3));
    const std::string wanted = to_lower(word);

    std::optional<std::string_view> best;
    std::size_t best_distance = allowed + 1;
    for (const std::string_view candidate : candidates) {
        if (candidate.size() > word.size() + allowed) continue;
        const std::size_t distance = edit_distance(wanted, to_lower(candidate));
        // If every letter would have to change, it is not a typo.
        if (distance < best_distance && distance < candidate.size()) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best ? best : only_beginning_with(wanted, candidates);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
    const auto meant = closest(word, candidates);
    return meant ? "; did you mean " + std::string(*meant) + "?" : "";
}

}  // namespace rococo
