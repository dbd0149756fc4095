// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rococo::svchost {

/// The error for a name that is not among `names`, suggesting the nearest one. If there are no
/// names at all, it says that tzdata is missing from `folder`.
[[nodiscard]] std::string unknown_zone(std::string_view name,
                                       std::span<const std::string_view> names,
                                       std::string_view folder);

/// Whether this is a POSIX rule with daylight saving time but without its dates: `CET-1CEST`. C
/// libraries then use those of the United States, which is hardly ever intended.
[[nodiscard]] bool lacks_dates(std::string_view rule);

}  // namespace rococo::svchost
