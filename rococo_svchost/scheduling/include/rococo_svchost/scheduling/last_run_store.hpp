// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// What a host leaves behind about its schedule.
struct LastRunRecord {
    /// The schedule's `text()` and zone: with another schedule, the rest means nothing.
    std::string schedule;
    SystemTime phase;            ///< What intervals are counted from (`ScheduleSettings::phase`).
    SystemTime settled_through;  ///< `Scheduler::settled_through`.
};

/// Keeps the record of one schedule in a file of a state folder, so that a restart knows what it
/// missed.
///
/// `save` writes a new file, syncs it and renames it over the old one, so that a power cut leaves
/// the old record or the new one, never half of one.
///
/// **Thread-safety**: none; one thread at a time, one process at a time.
class LastRunStore {
public:
    /// `folder` need not exist; `name` tells schedules of one folder apart (the processor's type),
    /// characters that file names cannot have are replaced.
    LastRunStore(std::filesystem::path folder, std::string_view name);

    /// The record; none where there is no file. A failure (unavailable) where it cannot be read or
    /// is damaged.
    [[nodiscard]] Result<std::optional<LastRunRecord>> load() const;

    /// Replaces the record, on disk when it returns. A failure (unavailable) leaves the old one.
    [[nodiscard]] Result<void> save(const LastRunRecord& record) const;

    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

private:
    std::filesystem::path folder_;
    std::filesystem::path file_;
};

}  // namespace rococo::svchost
