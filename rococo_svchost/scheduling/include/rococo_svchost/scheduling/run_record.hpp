// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "rococo_svchost/scheduling/limited_warning.hpp"

namespace rococo::svchost {

/// Decides when a schedule's record must be saved: after each change. If writing fails (a full
/// disk, a folder that became read-only), the schedule continues and writing is retried after one
/// second, growing to one minute, with at most one log line per minute.
///
/// **Thread-safety**: none.
/// **Ownership**: the logger's sink must outlive it.
class RunRecord {
public:
    explicit RunRecord(const Logger& logger) : logger_(logger) {}

    /// Whether to save this record now: it has changed, and it is not too soon after a failure.
    [[nodiscard]] bool must_save(const LastRunRecord& record, SteadyTime now);

    /// The record was saved, or could not be.
    void saved(const LastRunRecord& record, const Result<void>& saved, SteadyTime now);

    /// When to ask again even if nothing has changed; the maximum time if not needed.
    [[nodiscard]] SteadyTime next_try() const { return next_try_; }

private:
    static constexpr std::chrono::seconds kFirstPause{1};
    static constexpr std::chrono::seconds kLongestPause{60};

    const Logger logger_;
    std::optional<LastRunRecord> saved_;
    std::chrono::seconds pause_{};  ///< Nonzero if the last try failed.
    SteadyTime next_try_ = SteadyTime::max();
    LimitedWarning trouble_;
};

inline bool RunRecord::must_save(const LastRunRecord& record, SteadyTime now) {
    const bool changed = !saved_ || saved_->settled_through != record.settled_through ||
                         saved_->phase != record.phase;
    if (changed) return pause_ == std::chrono::seconds(0) || now >= next_try_;
    pause_ = {};
    next_try_ = SteadyTime::max();
    return false;
}

inline void RunRecord::saved(const LastRunRecord& record, const Result<void>& saved,
                             SteadyTime now) {
    if (saved) {
        saved_ = record;
        pause_ = {};
        next_try_ = SteadyTime::max();
        return;
    }
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    next_try_ = now + pause_;
    if (const auto line = trouble_.line(saved.error().message, now)) logger_.warning("{}", *line);
}

}  // namespace rococo::svchost
