// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/colours.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace rococo::svchost {

bool has_colours(int descriptor) {
    const auto variable = [](const char* name) -> std::string_view {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
    };
    return variable("NO_COLOR").empty() && variable("TERM") != "dumb" && ::isatty(descriptor) == 1;
}

}  // namespace rococo::svchost
