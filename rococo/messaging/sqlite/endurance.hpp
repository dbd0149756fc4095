// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"

namespace rococo::messaging::sqlite {

/// Bears failures that may pass: says when to try again, with growing pauses, and says so to people
/// once a minute at most, however often it fails and recovers.
///
/// **Thread-safety**: none.
class Endurance {
public:
    Endurance(const Clock& clock, Logger logger) : clock_(clock), logger_(logger) {}

    [[nodiscard]] bool failing() const { return failing_since_.has_value(); }
    /// Not before this; in the past when all is well.
    [[nodiscard]] SteadyTime try_again_at() const { return try_again_at_; }

    /// It failed, with so many verdicts still to be written.
    void failed(const Error& error, std::size_t kept);
    /// It worked.
    void worked(const std::filesystem::path& path);
    /// Starts anew, at once.
    void reset();

private:
    const Clock& clock_;
    Logger logger_;
    std::optional<SteadyTime> failing_since_;
    std::size_t failures_ = 0;  ///< Since then.
    bool told_ = false;
    SteadyTime tell_at_{};
    SteadyTime try_again_at_{};
    std::chrono::milliseconds pause_{};
};

}  // namespace rococo::messaging::sqlite
