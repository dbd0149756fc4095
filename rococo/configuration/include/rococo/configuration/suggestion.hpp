// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rococo {

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the
/// other (Damerau-Levenshtein, optimal string alignment; bytes, not characters).
[[nodiscard]] std::size_t edit_distance(std::string_view from, std::string_view to);

/// The candidate that was probably meant, regardless of case: the nearest one within a third of the
/// word's length (two edits where that is less, one for three letters and fewer; three at most), or
/// else the only one that begins with the word.
[[nodiscard]] std::optional<std::string_view> closest(std::string_view word,
                                                      std::span<const std::string_view> candidates);

/// `; did you mean X?` for the end of an error, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace rococo
