// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_settings.hpp"

#include <cstdlib>
#include <memory>
#include <mutex>
#include <random>

namespace rococo::messaging {

AwsVariables process_environment() {
    return [](std::string_view name) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(name).c_str());
        if (value == nullptr || *value == '\0') return std::nullopt;
        return value;
    };
}

RandomBits machine_random() {
    struct Generator {
        std::mutex mutex;
        std::mt19937_64 engine{std::random_device{}()};
    };
    return [generator = std::make_shared<Generator>()] {
        const std::lock_guard lock(generator->mutex);
        return static_cast<std::uint64_t>(generator->engine());
    };
}

}  // namespace rococo::messaging
