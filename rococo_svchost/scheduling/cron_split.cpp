// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "pointed_error.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::string_view kWhiteSpace = " \t\r";

std::size_t count_words(std::string_view text) {
    std::size_t words = 0;
    bool inside = false;
    for (const char c : text) {
        const bool space = kWhiteSpace.find(c) != std::string_view::npos;
        if (!space && !inside) ++words;
        inside = !space;
    }
    return words;
}

/// Whether a text could be one expression, judging by its number of words.
bool has_the_size_of_one(std::string_view text) {
    const std::size_t words = count_words(text);
    if (text.starts_with('@')) return words <= 2 && text.find(',') == std::string_view::npos;
    return words == 5 || words == 6;
}

/// Cuts at each comma next to white space, the beginning, the end or an `@`. Such a comma cannot be
/// part of a list: list items are never empty, and expressions that begin with `@` have no lists.
std::vector<std::string_view> cut_at_open_commas(std::string_view text) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        bool cut = i == text.size();
        if (!cut && text[i] == ',') {
            const auto left = trim(text.substr(begin, i - begin), kWhiteSpace);
            const auto right = text.substr(i + 1);
            const char before = i == 0 ? ' ' : text[i - 1];
            const char after = right.empty() ? ' ' : right.front();
            cut = kWhiteSpace.find(before) != std::string_view::npos ||
                  kWhiteSpace.find(after) != std::string_view::npos || after == '@' ||
                  left.starts_with('@');
        }
        if (!cut) continue;
        // `1, 2 * * * *` is a list with a stray space, not two expressions. It is left whole, so
        // that the parser points at the space.
        if (const auto part = trim(text.substr(begin, i - begin), kWhiteSpace); !part.empty())
            parts.push_back(part);
        begin = i + 1;
    }
    return parts;
}

/// All ways to cut a text at its commas so that each part could be one expression.
class CommaReadings {
public:
    explicit CommaReadings(std::string_view text) : text_(text) {
        starts_.push_back(0);
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] == ',') starts_.push_back(i + 1);
        starts_.push_back(text.size() + 1);
    }

    /// Counts the ways in which `good` holds for every part, starting from the end, and keeps the
    /// first. Stops at 2: it only matters whether there is more than one.
    template <typename Good>
    std::size_t count(const Good& good) {
        const std::size_t end = starts_.size() - 1;
        ways_.assign(starts_.size(), 0);
        next_.assign(starts_.size(), 0);
        ways_[end] = 1;
        for (std::size_t from = end; from-- > 0;) {
            for (std::size_t to = from + 1; to <= end && ways_[from] < 2; ++to) {
                if (ways_[to] == 0 || !good(part(from, to))) continue;
                if (ways_[from] == 0) next_[from] = to;
                ways_[from] = std::min<std::size_t>(2, ways_[from] + ways_[to]);
            }
        }
        return ways_[0];
    }

    /// The parts of the first way found by `count`.
    [[nodiscard]] std::vector<std::string_view> first() const {
        std::vector<std::string_view> parts;
        for (std::size_t at = 0; at + 1 < starts_.size(); at = next_[at])
            parts.push_back(part(at, next_[at]));
        return parts;
    }

private:
    [[nodiscard]] std::string_view part(std::size_t from, std::size_t to) const {
        return trim(text_.substr(starts_[from], starts_[to] - starts_[from] - 1), kWhiteSpace);
    }

    std::string_view text_;
    std::vector<std::size_t> starts_;
    std::vector<std::size_t> ways_;
    std::vector<std::size_t> next_;
};

Result<std::vector<std::string_view>> cut_at_commas(std::string_view text,
                                                    const CronOptions& options) {
    if (has_the_size_of_one(text)) return std::vector{text};
    constexpr std::ptrdiff_t kMostCommas = 256;  // The search takes quadratic time.
    if (std::ranges::count(text, ',') > kMostCommas)
        return tl::unexpected(pointed_error(text, {0, text.size()}, "too many commas to tell apart",
                                            "expressions separated by ; or by new lines"));
    CommaReadings readings(text);
    const auto is_right = [&options](std::string_view part) {
        return has_the_size_of_one(part) && CronExpression::parse(part, options).has_value();
    };
    const std::size_t right = readings.count(is_right);
    if (right == 1) return readings.first();
    if (right > 1)
        return tl::unexpected(pointed_error(
            text, {0, text.size()}, "the commas can be read in more than one way",
            "expressions separated by ; or by new lines, such as '0 9 * * 1,3; 0 17 * * *'"));
    // No way is right. Parts with the right number of fields give the parser the best chance to
    // point at the mistake.
    if (readings.count(has_the_size_of_one) > 0) return readings.first();
    return std::vector{text};
}

}  // namespace

Result<std::vector<std::string>> split_expressions(std::string_view text,
                                                   const CronOptions& options) {
    std::vector<std::string> expressions;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t line_end = std::min(text.find('\n', begin), text.size());
        const bool comment =
            trim(text.substr(begin, line_end - begin), kWhiteSpace).starts_with('#');
        const std::size_t end =
            comment ? line_end : std::min(text.find_first_of(";\n", begin), text.size());
        const auto line = trim(text.substr(begin, end - begin), kWhiteSpace);
        begin = end + 1;
        if (comment || line.empty()) continue;
        for (const auto piece : cut_at_open_commas(line)) {
            auto parts = cut_at_commas(piece, options);
            if (!parts) return tl::unexpected(std::move(parts.error()));
            expressions.insert(expressions.end(), parts->begin(), parts->end());
        }
    }
    return expressions;
}

}  // namespace rococo::svchost
