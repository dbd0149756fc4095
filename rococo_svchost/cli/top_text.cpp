// SPDX-License-Identifier: MIT
#include "top_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "rococo/base/counted.hpp"
#include "rococo/base/size_text.hpp"
#include "status_text.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using Grade = Health::Grade;

constexpr const char* kKeys = "q quit  p pause  r resume";

/// A cell of the table of hosts: its text and, where it has one, its colour.
struct Cell {
    std::string text;
    std::optional<Grade> grade = {};
};
using Row = std::vector<Cell>;

/// Lines until the screen is full.
class Lines {
public:
    Lines(const Screen::Size& size, bool colours)
        : left_(size.rows), columns_(size.columns), colours_(colours) {}

    [[nodiscard]] bool is_full() const { return left_ == 0; }

    /// A line in one style, cut to fit.
    void add(std::string_view line, std::string_view escape = {}) {
        const std::string cut = cut_to(line, columns_);
        add_whole(colours_ && !escape.empty() ? fmt::format("{}{}\x1b[0m", escape, cut) : cut);
    }

    /// Cells beside each other, the first of them aligned left, each cut with the line.
    void add_row(const Row& row, const std::vector<std::size_t>& widths) {
        std::string line;
        std::size_t used = 0;
        for (std::size_t i = 0; i < row.size() && used < columns_; ++i) {
            const std::size_t padding = widths[i] - display_width(row[i].text);
            std::string cell = i < 2 ? row[i].text + std::string(padding, ' ')
                                     : std::string(padding, ' ') + row[i].text;
            if (i > 0) cell.insert(0, 2, ' ');
            cell = cut_to(cell, columns_ - used);
            used += display_width(cell);
            line += row[i].grade ? coloured(cell, *row[i].grade, colours_) : cell;
        }
        add_whole(line);
    }

    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void add_whole(const std::string& line) {
        if (is_full()) return;
        text_ += (text_.empty() ? "" : "\n") + line;
        --left_;
    }

    std::size_t left_;
    std::size_t columns_;
    bool colours_;
    std::string text_;
};

constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kReverse = "\x1b[7m";

Row row_of(const TopHost& host) {
    if (!host.status) return {{host.name}, {host.error, Grade::bad}};
    const HostStatus& status = *host.status;
    const Health health = health_of(status);
    const auto& in_hand = status.in_hand;
    const auto rates = status.rates.value_or(HostStatus::Rates{});
    const auto process = status.process.value_or(HostStatus::Process{});
    return {
        {host.name},
        {health.word, health.grade},
        {rate_text(rates.acknowledged)},
        {rate_text(rates.failed), rates.failed > 0 ? std::optional(Grade::notable) : std::nullopt},
        {time_text(rates.p50)},
        {time_text(rates.p99)},
        {std::to_string(in_hand.waiting + in_hand.processing + in_hand.settling)},
        {fmt::format("{}/{}", in_hand.busy_workers, status.workers)},
        {format_size(process.resident_bytes + process.children_resident_bytes)},
        {host.processor ? fmt::format("{:.0f} %", *host.processor * 100) : "-"}};
}

void add_hosts(Lines& lines, const std::vector<TopHost>& hosts) {
    std::vector<Row> rows{{{"HOST"},
                           {"STATE"},
                           {"OK/S"},
                           {"FAILED/S"},
                           {"P50"},
                           {"P99"},
                           {"IN HAND"},
                           {"BUSY"},
                           {"MEMORY"},
                           {"CPU"}}};
    for (const TopHost& host : hosts) rows.push_back(row_of(host));
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        const bool is_error = row.size() < widths.size();  // wider than its column may be
        for (std::size_t i = 0; i < (is_error ? 1 : row.size()); ++i)
            widths[i] = std::max(widths[i], display_width(row[i].text));
    }
    for (std::size_t i = 0; i < rows.size() && !lines.is_full(); ++i) {
        Row& row = rows[i];
        auto fitting = widths;
        for (std::size_t j = 0; j < row.size(); ++j)
            fitting[j] = std::max(widths[j], display_width(row[j].text));
        lines.add_row(row, fitting);
    }
}

void add_queues(Lines& lines, const std::vector<TopHost>& hosts) {
    std::map<std::string, HostStatus::Depth> queues;
    for (const TopHost& host : hosts) {
        if (!host.status || !host.status->depth) continue;
        auto& depth = queues[host.status->queue];
        depth = most(depth, *host.status->depth);
    }
    for (const auto& [name, depth] : queues)
        lines.add(fmt::format("Queue {}: {}", name, depth_text(depth)));
    for (const TopHost& host : hosts) {
        if (!host.status) continue;
        for (const std::string& remark : host.status->remarks)
            lines.add(fmt::format("{}: {}", host.name, remark), "\x1b[33m");
    }
}

void add_messages(Lines& lines, std::string_view title, const std::vector<TopMessage>& messages) {
    if (messages.empty() || lines.is_full()) return;
    lines.add("");
    lines.add(title, kBold);
    for (const TopMessage& one : messages) {
        std::string text = one.host + "  " + one.message;
        if (one.running_for) text += "  for " + time_text(one.running_for);
        if (one.overdue) text += ", longer than PROCESS_TIMEOUT";
        if (!one.what.empty()) text += "  " + one.what;
        lines.add(text, one.overdue ? "\x1b[33m" : "");
    }
}

std::string title_of(const TopView& view) {
    std::map<std::string, std::size_t> services;
    for (const TopHost& host : view.hosts)
        if (host.status) ++services[host.status->service];
    std::string text = "svchost top";
    for (const auto& [name, count] : services)
        text += fmt::format("  {} ({})", name, counted(count, "host"));
    return text;
}

}  // namespace

std::string top_text(const TopView& view, const Screen::Size& size, bool colours) {
    Lines lines(size, colours);
    const std::string title = title_of(view);
    const std::size_t used = display_width(title) + display_width(view.clock);
    const std::string space(used + 2 <= size.columns ? size.columns - used : 2, ' ');
    lines.add(title + space + view.clock, kBold);
    if (view.notice.empty()) {
        lines.add(kKeys);
    } else {
        lines.add(view.notice, kReverse);
    }
    lines.add("");
    if (view.hosts.empty()) lines.add("no host runs here: looked in " + view.where);
    if (!view.hosts.empty()) add_hosts(lines, view.hosts);
    if (!view.hosts.empty()) lines.add("");
    add_queues(lines, view.hosts);
    add_messages(lines, "In hand, the oldest first", view.in_hand);
    add_messages(lines, "Failures, the newest first", view.failures);
    return lines.take();
}

}  // namespace rococo::svchost::cli
