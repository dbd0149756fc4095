// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging::sqs {

/// Pauses between tries: each drawn evenly between zero and a bound that doubles ("full jitter",
/// AWS Architecture Blog), so that hosts that failed together do not come back together.
class Backoff {
public:
    explicit Backoff(const SqsSettings& settings)
        : first_(settings.first_backoff), longest_(settings.longest_backoff) {}

    [[nodiscard]] std::chrono::milliseconds next(const RandomBits& random) {
        const auto bound =
            std::min(longest_, first_ * (std::int64_t{1} << std::min(failures_, 20)));
        ++failures_;
        const auto range = static_cast<std::uint64_t>(bound.count()) + 1;
        return std::chrono::milliseconds(static_cast<std::int64_t>(random() % range));
    }
    void reset() { failures_ = 0; }
    [[nodiscard]] int failures() const { return failures_; }

private:
    std::chrono::milliseconds first_;
    std::chrono::milliseconds longest_;
    int failures_ = 0;
};

}  // namespace rococo::messaging::sqs
