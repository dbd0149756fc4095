// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"

namespace rococo::svchost {

/// One line of the log.
struct LogLine {
    std::uint64_t number = 0;  ///< From 1, without gaps.
    SystemTime at{};
    LogLevel level = LogLevel::info;
    std::string module;
    std::string text;
};

/// The last lines of the log, for those who look at a running host.
///
/// **Thread-safety**: all members may be called from any thread.
class LogRing {
public:
    void add(LogLine line);
    /// Those after this number that are still kept.
    [[nodiscard]] std::vector<LogLine> after(std::uint64_t number) const;

    /// Longer ones are cut: this is for a look, and the host has to stay small.
    static constexpr std::size_t kMostBytes = 2'048;

private:
    static constexpr std::size_t kMostLines = 1'000;
    static constexpr std::size_t kMostBytesInAll = std::size_t{256} * 1024;

    mutable std::mutex mutex_;  // guards all below
    std::deque<LogLine> lines_;
    std::size_t bytes_ = 0;  // of their texts
    std::uint64_t last_ = 0;
};

}  // namespace rococo::svchost
