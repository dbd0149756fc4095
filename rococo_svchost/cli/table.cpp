// SPDX-License-Identifier: MIT
#include "table.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "rococo/base/text.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kIndent = 4;
constexpr std::size_t kLeastLast = 20;  // the least width of the last column that is useful

/// The width of all columns except the last, including the gaps after them.
std::size_t before_last(const std::vector<std::size_t>& widths) {
    return std::accumulate(widths.begin(), widths.end() - 1, std::size_t{0}) +
           kGap * (widths.size() - 1);
}

}  // namespace

std::vector<std::size_t> Table::widths() const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = titles_ ? display_width(columns_[i].title) : 0;
        for (const auto& row : rows_) widest = std::max(widest, display_width(row[i]));
        result.push_back(widest);
    }
    return result;
}

bool Table::fits(std::size_t width) const {
    const auto natural = widths();
    return before_last(natural) + std::min(natural.back(), kLeastLast) <= width;
}

std::string Table::grid_line(const std::vector<std::string>& cells,
                             const std::vector<std::size_t>& widths,
                             std::optional<std::size_t> width) const {
    std::string line;
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
        const std::string space(widths[i] - display_width(cells[i]), ' ');
        line += columns_[i].right ? space + cells[i] : cells[i] + space;
        line.append(kGap, ' ');
    }
    const std::size_t before = before_last(widths);
    const auto& last = cells.back();
    if (columns_.back().right) line.append(widths.back() - display_width(last), ' ');
    line += width ? cut_to(last, std::max(*width, before + kLeastLast) - before) : last;
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

std::string Table::flowing(const std::vector<std::string>& cells, std::size_t width) const {
    std::string text;
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const bool named = titles_ && columns_[i].right;
        const std::string cell = named ? to_lower(columns_[i].title) + " " + cells[i] : cells[i];
        if (!line.empty() && display_width(line) + kGap + display_width(cell) > width) {
            text += line + "\n";
            line = std::string(kIndent, ' ') + cell;
        } else {
            line += (line.empty() ? "" : std::string(kGap, ' ')) + cell;
        }
    }
    return text + cut_to(line, width) + "\n";
}

std::string Table::text(std::optional<std::size_t> width) const {
    std::string text;
    const auto natural = widths();
    const bool below = width && !fits(*width);
    if (below && before_last(natural) > *width + kGap) {
        for (const auto& row : rows_) text += flowing(row, *width);
        return text;
    }
    const auto add = [&](std::vector<std::string> cells, bool is_title) {
        const std::string last = below ? std::exchange(cells.back(), "") : "";
        const std::string line = grid_line(cells, natural, below ? std::nullopt : width);
        text += (is_title ? heading(line) : line) + "\n";
        if (below && !last.empty() && !is_title) {
            text += std::string(kIndent, ' ') + cut_to(last, *width - kIndent) + "\n";
        }
    };
    if (titles_) {
        std::vector<std::string> titles;
        for (const Column& column : columns_) titles.push_back(column.title);
        add(std::move(titles), true);
    }
    for (const auto& row : rows_) add(row, false);
    return text;
}

}  // namespace rococo::svchost::cli
