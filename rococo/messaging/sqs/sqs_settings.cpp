// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_settings.hpp"

#include <cstdlib>

namespace rococo::messaging {

AwsVariables process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

}  // namespace rococo::messaging
