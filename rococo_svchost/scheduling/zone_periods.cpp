// SPDX-License-Identifier: MIT
#include "zone_periods.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rococo::svchost {

using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;

namespace {

constexpr std::size_t kHeaderBytes = 44;
constexpr std::size_t kTypeBytes = 6;
// Larger than any offset: RFC 8536 limits them to between -25 and 26 hours.
constexpr std::int64_t kLargestOffset = 26L * 3600;

/// Reads a number in TZif's format: big-endian, two's complement.
std::int64_t number_at(std::string_view bytes, std::size_t position, std::size_t size) {
    std::uint64_t value = (static_cast<unsigned char>(bytes[position]) & 0x80U) != 0 ? ~0ULL : 0;
    for (std::size_t i = 0; i < size; ++i)
        value = value << 8U | static_cast<unsigned char>(bytes[position + i]);
    return static_cast<std::int64_t>(value);
}

/// One of the file's data blocks, and where its parts are.
struct Block {
    std::size_t leap_seconds = 0;
    std::size_t changes = 0;
    std::size_t types = 0;
    std::size_t begin = 0;  ///< The block's first byte after its header.
    std::size_t end = 0;
    std::size_t time_bytes = 0;

    [[nodiscard]] std::int64_t time(std::string_view bytes, std::size_t i) const {
        return number_at(bytes, begin + i * time_bytes, time_bytes);
    }
    [[nodiscard]] std::size_t type(std::string_view bytes, std::size_t i) const {
        return static_cast<unsigned char>(bytes[begin + changes * time_bytes + i]);
    }
    [[nodiscard]] std::int64_t offset(std::string_view bytes, std::size_t type) const {
        return number_at(bytes, begin + changes * (time_bytes + 1) + type * kTypeBytes, 4);
    }
};

/// Reads a header. Empty if this is not a header, or if its block is truncated.
std::optional<Block> block_at(std::string_view bytes, std::size_t position,
                              std::size_t time_bytes) {
    if (bytes.size() < position + kHeaderBytes || bytes.substr(position, 4) != "TZif")
        return std::nullopt;
    const auto count = [bytes, position](std::size_t which) {
        // The file has unsigned numbers, but no real one is large enough for the sign to matter.
        return static_cast<std::size_t>(number_at(bytes, position + 20 + which * 4, 4) &
                                        0xFFFFFFFF);
    };
    const std::size_t utc_indicators = count(0);
    const std::size_t standard_indicators = count(1);
    const std::size_t characters = count(5);
    Block block{count(2), count(3), count(4), position + kHeaderBytes, 0, time_bytes};
    block.end = block.begin + block.changes * (time_bytes + 1) + block.types * kTypeBytes +
                characters + block.leap_seconds * (time_bytes + 4) + standard_indicators +
                utc_indicators;
    if (block.types == 0 || block.end > bytes.size()) return std::nullopt;
    return block;
}

std::optional<ZonePeriods> periods_of_block(std::string_view bytes, const Block& block,
                                            sys_seconds& last_change) {
    if (block.leap_seconds > 0) return std::nullopt;
    const auto valid = [](std::int64_t offset) {
        return offset > -kLargestOffset && offset < kLargestOffset;
    };
    if (!valid(block.offset(bytes, 0))) return std::nullopt;
    ZonePeriods periods{{kBeginning, kEnd, seconds(block.offset(bytes, 0))}};
    std::optional<std::int64_t> previous;
    for (std::size_t i = 0; i < block.changes; ++i) {
        const std::int64_t time = block.time(bytes, i);
        const std::size_t type = block.type(bytes, i);
        if (type >= block.types || !valid(block.offset(bytes, type))) return std::nullopt;
        if (previous && time <= *previous) return std::nullopt;
        previous = time;
        // Some files begin with a change at the earliest time that fits.
        const sys_seconds at{seconds(std::clamp(time, kBeginning.time_since_epoch().count(),
                                                (kEnd - seconds(1)).time_since_epoch().count()))};
        append_change(periods, at, seconds(block.offset(bytes, type)));
        last_change = at;
    }
    return periods;
}

}  // namespace

void append_change(ZonePeriods& periods, sys_seconds at, seconds offset) {
    // A rule's changes may fall up to a week outside their year, so those of two years can cross.
    if (periods.back().offset == offset || at < periods.back().begin) return;
    if (periods.back().begin == at) {
        periods.pop_back();
        if (periods.empty()) periods.push_back({kBeginning, kEnd, offset});
        periods.back().end = kEnd;
        return append_change(periods, at, offset);
    }
    periods.back().end = at;
    periods.push_back({at, kEnd, offset});
}

void extend_by_rule(ZonePeriods& periods, const PosixRule& rule, sys_seconds last_change) {
    const auto from = std::max<sys_seconds>(last_change, sys_days{year(1900) / 1 / 1});
    auto y = std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(from)}.year();
    for (; y <= kLastYear; ++y) {
        const auto changes = rule.changes(y);
        if (!changes) break;
        for (const auto& change : {changes->first, changes->second})
            if (change.at > last_change) append_change(periods, change.at, change.offset);
    }
}

ZonePeriods periods_of_rule(const PosixRule& rule) {
    ZonePeriods periods{{kBeginning, kEnd, rule.standard()}};
    extend_by_rule(periods, rule, sys_days{year(1970) / 1 / 1});
    return periods;
}

std::string_view footer_of(std::string_view bytes) {
    if (bytes.size() < 2 || bytes.back() != '\n') return {};
    const std::size_t before = bytes.rfind('\n', bytes.size() - 2);
    if (before == std::string_view::npos) return {};
    return bytes.substr(before + 1, bytes.size() - before - 2);
}

std::optional<ZonePeriods> periods_of_file(std::string_view bytes) {
    const auto first = block_at(bytes, 0, 4);
    if (!first) return std::nullopt;
    sys_seconds last_change = sys_days{year(1970) / 1 / 1};
    const bool has_second_block = bytes[4] >= '2';
    if (!has_second_block) return periods_of_block(bytes, *first, last_change);
    const auto second = block_at(bytes, first->end, 8);
    if (!second) return std::nullopt;
    auto periods = periods_of_block(bytes, *second, last_change);
    if (periods) {
        if (const auto rule = PosixRule::parse(footer_of(bytes)))
            extend_by_rule(*periods, *rule, last_change);
    }
    return periods;
}

}  // namespace rococo::svchost
