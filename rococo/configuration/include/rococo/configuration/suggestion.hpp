// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rococo {

/// The number of insertions, deletions, replacements and swaps of adjacent bytes that turn one word
/// into the other (Damerau-Levenshtein, optimal string alignment).
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate that was probably meant, ignoring case: the nearest one within a third of the
/// word's length (at least two edits, at most three; one for words of up to three letters), or else
/// the only one that starts with the word.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// `; did you mean X?` to append to an error, or an empty string.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace rococo
