// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

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

}  // namespace rococo::svchost
