// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host_status.hpp"

namespace rococo::svchost::cli {

/// How text is laid out.
struct Style {
    std::optional<std::size_t> width;  ///< Columns; empty: as long as the lines are.
    bool colours = false;
};

/// How a host fares, in one or two words, and how good that is.
struct Health {
    enum class Grade { good, notable, bad };
    std::string word;  ///< `running`, `paused`, `draining`, `starting`, `not ready`, `not live`.
    Grade grade = Grade::bad;
};
[[nodiscard]] Health health_of(const HostStatus& status);

/// The text in the grade's colour.
[[nodiscard]] std::string coloured(std::string_view text, Health::Grade grade, bool colours);

/// `2 ms`, `0.3 ms`, `3.2 s`, `5 min 28 s`; `-` for none.
[[nodiscard]] std::string time_text(std::optional<Seconds> time);
/// `98.2`, `1204`, `0`.
[[nodiscard]] std::string rate_text(double rate);
/// `12 ready, 3 in hand, 0 wait for a retry, 4 dead letters`, of which only what is known; empty if
/// nothing is.
[[nodiscard]] std::string depth_text(const HostStatus::Depth& depth);

/// What the hosts of one queue say about it, which is one queue: the most that any of them saw.
[[nodiscard]] HostStatus::Depth most(const HostStatus::Depth& one, const HostStatus::Depth& other);

/// All about one host, on a dozen lines.
[[nodiscard]] std::string status_text(const HostStatus& status, const Style& style);

/// What several hosts do together.
[[nodiscard]] std::string sum_text(const std::vector<HostStatus>& hosts, const Style& style);

}  // namespace rococo::svchost::cli
