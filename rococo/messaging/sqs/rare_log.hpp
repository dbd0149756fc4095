// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// Keeps what goes wrong for every message from filling the log: a line a minute for each cause,
/// with the number of those that were left out.
///
///     if (const auto more = rarely_.turn("lost")) logger_.warning("… {}{}", id, *more);
///
/// **Thread-safety**: one thread.
class RareLog {
public:
    explicit RareLog(const Clock& clock) : clock_(clock) {}

    /// What to append to the line; none where it is not to be written.
    [[nodiscard]] std::optional<std::string> turn(std::string_view cause) {
        const auto now = clock_.steady_now();
        auto found = causes_.find(cause);
        if (found == causes_.end()) {
            causes_.emplace(cause, Said{now, 0});
            return std::string();
        }
        Said& said = found->second;
        if (now - said.at < kBetweenLines) {
            ++said.left_out;
            return std::nullopt;
        }
        auto more = said.left_out == 0
                        ? std::string()
                        : fmt::format(" ({} more such lines were left out.)", said.left_out);
        said = {now, 0};
        return more;
    }

private:
    static constexpr std::chrono::minutes kBetweenLines{1};
    struct Said {
        SteadyTime at;
        std::size_t left_out;
    };

    const Clock& clock_;
    std::map<std::string, Said, std::less<>> causes_;  // The causes are few: words of ours.
};

}  // namespace rococo::messaging::sqs
