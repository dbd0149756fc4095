// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// An IANA time zone as a table of periods of constant offset, made for being asked often.
///
/// The transitions come from the machine's `/usr/share/zoneinfo`, read by Howard Hinnant's
/// `date-tz`. That library (3.0.1, as Debian builds it) stops at the file's last written
/// transition, in 2037 for most zones; the rule in the file's last line (RFC 8536, section 3.3)
/// carries the table on to the year 2500. After it the offset stays. UTC needs no files at all.
///
/// Copies share one immutable table.
///
/// **Thread-safety**: immutable. `load` may be called from any thread.
class TimeZone {
public:
    /// A stretch of time with one offset from UTC: [begin, end).
    struct Period {
        std::chrono::sys_seconds begin;
        std::chrono::sys_seconds end;
        std::chrono::seconds offset;  ///< Local time minus UTC.
    };

    /// UTC.
    TimeZone();

    /// The zone of that name (`Europe/Berlin`). A failure (configuration) names near ones.
    [[nodiscard]] static Result<TimeZone> load(std::string_view name);

    /// The machine's own zone: the one that `tz_variable` (the environment's `TZ`, empty where
    /// unset) names, else that of `/etc/localtime`, else UTC. A `TZ` that is no IANA name is passed
    /// over, as nothing here asked for it.
    [[nodiscard]] static TimeZone local(std::string_view tz_variable);

    /// `Europe/Berlin`.
    [[nodiscard]] const std::string& name() const { return data_->name; }

    /// All periods, in order, without holes, neighbours with different offsets.
    [[nodiscard]] std::span<const Period> periods() const { return data_->periods; }

    /// Which period a moment lies in: an index into `periods()`.
    [[nodiscard]] std::size_t index_at(std::chrono::sys_seconds moment) const;

    /// Local time minus UTC at a moment.
    [[nodiscard]] std::chrono::seconds offset_at(std::chrono::sys_seconds moment) const {
        return data_->periods[index_at(moment)].offset;
    }

    /// What the clock on the wall shows at a moment.
    [[nodiscard]] std::chrono::local_seconds to_local(std::chrono::sys_seconds moment) const {
        return std::chrono::local_seconds{(moment + offset_at(moment)).time_since_epoch()};
    }

    /// When the clock on the wall shows `local`: the first time where it does so twice, the moment
    /// of the change where the change skips it.
    [[nodiscard]] std::chrono::sys_seconds to_system(std::chrono::local_seconds local) const;

private:
    struct Data {
        std::string name;
        std::vector<Period> periods;
    };
    explicit TimeZone(std::shared_ptr<const Data> data) : data_(std::move(data)) {}

    std::shared_ptr<const Data> data_;
};

}  // namespace rococo::svchost
