// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace rococo::svchost::cli {

/// A table for people, in columns if the width allows it.
///
/// If wide enough, each row is one line, with the last column cut to fit. If narrower, the last
/// cell goes below its row. If narrower still, the cells of a row follow one another over several
/// lines, and numbers are labelled. Only the last cell is ever cut, because people copy the others.
class Table {
public:
    struct Column {
        std::string title;
        bool right = false;  ///< For numbers and times: right-aligned.
    };
    /// `titles`: whether to print the columns' titles first.
    explicit Table(std::vector<Column> columns, bool titles = true)
        : columns_(std::move(columns)), titles_(titles) {}

    /// One cell per column, already safe to print.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

    /// Whether each row fits on one line, with a useful part of its last cell.
    [[nodiscard]] bool fits(std::size_t width) const;

    /// The whole table. Without a width, it is as wide as needed.
    [[nodiscard]] std::string text(std::optional<std::size_t> width) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths() const;
    [[nodiscard]] std::string grid_line(const std::vector<std::string>& cells,
                                        const std::vector<std::size_t>& widths,
                                        std::optional<std::size_t> width) const;
    [[nodiscard]] std::string flowing(const std::vector<std::string>& cells,
                                      std::size_t width) const;

    std::vector<Column> columns_;
    bool titles_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace rococo::svchost::cli
