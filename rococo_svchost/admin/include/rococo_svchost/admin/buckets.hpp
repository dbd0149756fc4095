// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

/// The upper bounds of histograms' buckets, in seconds. A quantile is no more exact than the bucket
/// that it lies in.
namespace rococo::svchost {

/// Calls of `process`: OpenTelemetry's for messaging (0.005 to 10), and more at both ends, as
/// processors take from microseconds to minutes.
inline constexpr std::array kProcessSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                            0.075,  0.1,   0.25,   0.5,   0.75, 1.0,   2.5,
                                            5.0,    7.5,   10.0,   30.0,  60.0, 300.0};

/// From sent to started, or to acknowledged: a queue may stand for an hour.
inline constexpr std::array kQueueSeconds{0.001, 0.005, 0.01, 0.05, 0.1,   0.5,   1.0,    2.5,
                                          5.0,   10.0,  30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0};

/// Calls of a broker: OpenTelemetry's for messaging.
inline constexpr std::array kOperationSeconds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                              0.5,   0.75, 1.0,   2.5,  5.0,   7.5, 10.0};

/// Reads METRICS_BUCKETS: seconds that rise, separated by commas, such as `0.01, 0.1, 1`.
///
/// **Errors**: `configuration`, saying what is wrong with the value; not which variable it is.
[[nodiscard]] Result<std::vector<double>> parse_buckets(std::string_view text);

}  // namespace rococo::svchost
