// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// A time zone as a table of periods with constant offset, for fast lookups.
///
/// The transitions of IANA zones come from the machine's `/usr/share/zoneinfo`, read by Howard
/// Hinnant's `date-tz`. That library (3.0.1, as Debian builds it) stops at the file's last written
/// transition, in 2037 for most zones. The rule in the file's last line (RFC 8536, section 3.3)
/// extends the table to the year 2500, after which the offset is constant. UTC needs no files.
///
/// Copies share one immutable table.
///
/// **Thread-safety**: immutable. `load` may be called from any thread.
class TimeZone {
public:
    /// A period with one offset from UTC: [begin, end).
    struct Period {
        std::chrono::sys_seconds begin;
        std::chrono::sys_seconds end;
        std::chrono::seconds offset;  ///< Local time minus UTC.
    };

    /// UTC.
    TimeZone();

    /// Loads the zone of this name (`Europe/Berlin`). A failure (configuration) suggests similar
    /// names.
    [[nodiscard]] static Result<TimeZone> load(std::string_view name);

    /// The names of all zones on this machine.
    [[nodiscard]] static std::vector<std::string> names();

    /// Parses a value of `TZ` or `CRON_TIMEZONE`: an IANA name; the path of a zone's file (TZif,
    /// RFC 8536), which means that zone if it is in the system's folder of zones; or a POSIX rule
    /// such as `EST5EDT,M3.2.0,M11.1.0`, whose offset counts westward. A leading colon is ignored.
    /// A failure (configuration) says what is wrong and suggests similar names.
    [[nodiscard]] static Result<TimeZone> parse(std::string_view text);

    /// The zone of this process: that of `tz_variable` (the environment's `TZ`, empty if unset),
    /// else that of `/etc/localtime`, else UTC.
    /// **Errors**: those of `parse`.
    [[nodiscard]] static Result<TimeZone> local(std::string_view tz_variable);

    /// `Europe/Berlin`, or the rule or path that the zone was parsed from.
    [[nodiscard]] const std::string& name() const { return data_->name; }

    /// All periods, in order and without gaps. Adjacent ones have different offsets.
    [[nodiscard]] std::span<const Period> periods() const { return data_->periods; }

    /// The index in `periods()` of the period that contains a moment.
    [[nodiscard]] std::size_t index_at(std::chrono::sys_seconds moment) const;

    /// Local time minus UTC at a moment.
    [[nodiscard]] std::chrono::seconds offset_at(std::chrono::sys_seconds moment) const {
        return data_->periods[index_at(moment)].offset;
    }

    /// The local time at a moment.
    [[nodiscard]] std::chrono::local_seconds to_local(std::chrono::sys_seconds moment) const {
        return std::chrono::local_seconds{(moment + offset_at(moment)).time_since_epoch()};
    }

    /// The moment of a local time: the first one if it occurs twice, the moment of the change if it
    /// is skipped.
    [[nodiscard]] std::chrono::sys_seconds to_system(std::chrono::local_seconds local) const;

private:
    struct Data {
        std::string name;
        std::vector<Period> periods;
    };
    TimeZone(std::string name, std::vector<Period> periods);

    [[nodiscard]] static Result<TimeZone> from_path(const std::filesystem::path& path);
    [[nodiscard]] static Result<TimeZone> machine();

    std::shared_ptr<const Data> data_;
};

/// The error for a name that is not among `names`, suggesting the nearest one. If there are no
/// names at all, it says that tzdata is missing.
[[nodiscard]] std::string unknown_zone(std::string_view name,
                                       std::span<const std::string_view> names);

}  // namespace rococo::svchost
