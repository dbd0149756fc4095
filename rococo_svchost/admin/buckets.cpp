// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/buckets.hpp"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

#include "rococo/base/text.hpp"
#include "rococo_svchost/observability/histogram.hpp"

namespace rococo::svchost {

Result<std::vector<double>> parse_buckets(std::string_view text) {
    // A thousand years, of which a histogram could still count nanoseconds.
    constexpr double kMost = 3.2e10 / 4;
    std::vector<double> bounds;
    for (const std::string_view part : split(text, ',')) {
        const std::string_view word = trim(part);
        double bound = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), bound,
                                                  std::chars_format::fixed);
        if (error != std::errc() || end != word.data() + word.size() || !(bound > 0) ||
            bound > kMost)
            return failure(ErrorKind::configuration,
                           fmt::format("'{}' is not a number of seconds above 0; expected are "
                                       "rising numbers separated by commas, such as 0.01,0.1,1",
                                       word));
        if (!bounds.empty() && bound <= bounds.back())
            return failure(ErrorKind::configuration,
                           fmt::format("{} does not come after {}; the bounds must rise", word,
                                       bounds.back()));
        bounds.push_back(bound);
    }
    if (bounds.size() > Histogram::kMostBounds)
        return failure(ErrorKind::configuration,
                       fmt::format("these are {} bounds; at most {} are allowed", bounds.size(),
                                   Histogram::kMostBounds));
    return bounds;
}

}  // namespace rococo::svchost
