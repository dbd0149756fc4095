// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace rococo::messaging::sqs {

/// How many long polls should be under way: more while they come back full, one when idle. Each
/// poll costs money, and an idle one says no more than another.
class PollControl {
public:
    explicit PollControl(std::size_t max_polls) : max_polls_(std::max<std::size_t>(max_polls, 1)) {}

    [[nodiscard]] std::size_t target() const { return target_; }

    /// A poll that asked for `asked` messages brought `got`, after `took`.
    void answered(std::size_t asked, std::size_t got, std::chrono::milliseconds took) {
        if (got == 0) {
            target_ = 1;
        } else if (got >= asked) {
            target_ = std::min(target_ * 2, max_polls_);
        } else if (took > kWaited) {
            // It had to wait and brought little: the others do the same.
            target_ = std::max<std::size_t>(target_ - 1, 1);
        }
        // Little, but at once, is how SQS samples its servers: that says nothing.
    }

private:
    static constexpr std::chrono::milliseconds kWaited{500};

    std::size_t max_polls_;
    std::size_t target_ = 1;
};

}  // namespace rococo::messaging::sqs
