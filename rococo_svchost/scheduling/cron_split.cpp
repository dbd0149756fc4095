// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>

#include "cron_words.hpp"
#include "pointed_error.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/scheduling/cron_text.hpp"

namespace rococo::svchost {

namespace {

constexpr std::string_view kWhiteSpace = " \t\r";

/// Whether a text could be one expression, judging by its number of words.
bool has_the_size_of_one(std::string_view text) {
    const std::size_t words = words_of(text).size();
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
            const auto left = trim(text.substr(begin, i - begin));
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
        if (const auto part = trim(text.substr(begin, i - begin)); !part.empty())
            parts.push_back(part);
        begin = i + 1;
    }
    return parts;
}

/// In how many ways a text can be cut at its commas.
struct CommaReadings {
    std::size_t count = 0;  ///< At most 2: it only matters whether there is more than one.
    std::vector<std::string_view> first;  ///< The parts of the first way.
};

/// The ways in which `good` holds for every part, found from the end.
template <typename Good>
CommaReadings comma_readings(std::string_view text, const Good& good) {
    std::vector<std::size_t> starts{0};
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] == ',') starts.push_back(i + 1);
    starts.push_back(text.size() + 1);
    std::vector<CommaReadings> readings(starts.size());  // of the text from each start
    readings.back().count = 1;
    for (std::size_t from = starts.size() - 1; from-- > 0;) {
        CommaReadings& all = readings[from];
        for (std::size_t to = from + 1; to < starts.size() && all.count < 2; ++to) {
            const auto part = trim(text.substr(starts[from], starts[to] - starts[from] - 1));
            if (readings[to].count == 0 || !good(part)) continue;
            if (all.count == 0) {
                all.first = {part};
                all.first.insert(all.first.end(), readings[to].first.begin(),
                                 readings[to].first.end());
            }
            all.count = std::min<std::size_t>(2, all.count + readings[to].count);
        }
    }
    return readings.front();
}

Result<std::vector<std::string_view>> cut_at_commas(std::string_view text,
                                                    const CronOptions& options) {
    if (has_the_size_of_one(text)) return std::vector{text};
    constexpr std::ptrdiff_t kMostCommas = 256;  // The search takes quadratic time.
    if (std::ranges::count(text, ',') > kMostCommas)
        return tl::unexpected(pointed_error(text, text, "too many commas to tell apart",
                                            "expressions separated by ; or by new lines"));
    const auto right = comma_readings(text, [&options](std::string_view part) {
        return has_the_size_of_one(part) && CronExpression::parse(part, options).has_value();
    });
    if (right.count == 1) return right.first;
    if (right.count > 1)
        return tl::unexpected(pointed_error(
            text, text, "the commas can be read in more than one way",
            "expressions separated by ; or by new lines, such as '0 9 * * 1,3; 0 17 * * *'"));
    // No way is right. Parts with the right number of fields give the parser the best chance to
    // point at the mistake.
    const auto possible = comma_readings(text, has_the_size_of_one);
    return possible.count > 0 ? possible.first : std::vector{text};
}

}  // namespace

Result<std::vector<std::string>> split_expressions(std::string_view text,
                                                   const CronOptions& options) {
    std::vector<std::string> expressions;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t line_end = std::min(text.find('\n', begin), text.size());
        const bool comment = trim(text.substr(begin, line_end - begin)).starts_with('#');
        const std::size_t end =
            comment ? line_end : std::min(text.find_first_of(";\n", begin), text.size());
        const auto line = trim(text.substr(begin, end - begin));
        begin = end + 1;
        if (comment || line.empty()) continue;
        for (const auto piece : cut_at_open_commas(line)) {
            ROCOCO_ASSIGN_OR_RETURN(const auto parts, cut_at_commas(piece, options));
            expressions.insert(expressions.end(), parts.begin(), parts.end());
        }
    }
    return expressions;
}

}  // namespace rococo::svchost
