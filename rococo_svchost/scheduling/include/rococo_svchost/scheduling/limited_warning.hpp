// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"

namespace rococo::svchost {

/// Limits a recurring warning: logged the first time and then once a minute, with the number of
/// repetitions. Within a minute, up to three different texts are logged.
///
/// **Thread-safety**: none.
class LimitedWarning {
public:
    /// The line to log for this occurrence; empty if it is too soon to repeat it.
    [[nodiscard]] std::optional<std::string> line(const std::string& what, SteadyTime now) {
        if (told_.empty() || now - minute_began_ >= kDistance) {
            minute_began_ = now;
            told_.clear();
        } else if (told_.size() == kMostWords || std::ranges::find(told_, what) != told_.end()) {
            ++untold_;
            return std::nullopt;
        }
        told_.push_back(what);
        const std::size_t untold = std::exchange(untold_, 0);
        if (untold == 0) return what;
        return what + " (" + std::to_string(untold) + " more times since the last line about it)";
    }

private:
    static constexpr std::chrono::minutes kDistance{1};
    static constexpr std::size_t kMostWords = 3;

    SteadyTime minute_began_{};
    std::vector<std::string> told_;  ///< Within this minute.
    std::size_t untold_ = 0;
};

}  // namespace rococo::svchost
