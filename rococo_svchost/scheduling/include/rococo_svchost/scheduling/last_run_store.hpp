// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/scheduling/limited_warning.hpp"

namespace rococo::svchost {

/// What a host saves about its schedule.
struct LastRunRecord {
    /// The schedule's `text()` and zone. If they differ, the rest does not apply.
    std::string schedule;
    SystemTime phase;            ///< The start of intervals (`ScheduleSettings::phase`).
    SystemTime settled_through;  ///< `Scheduler::settled_through`.
};

/// Parses a record's file. Empty if it is damaged.
[[nodiscard]] std::optional<LastRunRecord> parse_last_run(std::string_view text);

/// Stores one schedule's record in a file of the state folder, so that a restarted host knows what
/// it missed.
///
/// `save` writes a new file, syncs it and renames it over the old one, so a power cut leaves either
/// the old record or the new one. The file is accessible only to its owner (0600), as are folders
/// created for it (0700).
///
/// **Thread-safety**: none; use it from one thread and one process at a time.
class LastRunStore {
public:
    /// `folder` need not exist. `name` (the processor's type) distinguishes schedules in one
    /// folder; characters not allowed in file names are replaced.
    LastRunStore(std::filesystem::path folder, std::string_view name);

    /// Loads the record; empty if there is no file. Fails (unavailable) if it is unreadable or
    /// damaged.
    [[nodiscard]] Result<std::optional<LastRunRecord>> load() const;

    /// Checks whether `save` could write, without creating anything: the folder, or its nearest
    /// existing parent, must be writable. A failure (unavailable) says why not.
    [[nodiscard]] Result<void> check() const;

    /// Replaces the record; it is on disk when this returns. A failure (unavailable) keeps the old
    /// one.
    [[nodiscard]] Result<void> save(const LastRunRecord& record) const;

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

private:
    std::filesystem::path folder_;
    std::filesystem::path file_;
};

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

}  // namespace rococo::svchost
