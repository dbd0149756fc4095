// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/messaging.hpp"

#include <mutex>
#include <random>

#include "messaging_kinds.hpp"

namespace rococo::svchost {

RandomBits make_random_bits() {
    struct Generator {
        std::mutex mutex;
        std::mt19937_64 engine;
    };
    auto generator = std::make_shared<Generator>();
    std::random_device device;
    generator->engine.seed((static_cast<std::uint64_t>(device()) << 32U) ^ device());
    return [generator] {
        const std::scoped_lock lock(generator->mutex);
        return generator->engine();
    };
}

double to_fraction(std::uint64_t bits) {
    // The 53 bits that a double holds exactly.
    return static_cast<double>(bits >> 11U) / static_cast<double>(std::uint64_t{1} << 53U);
}

Result<std::unique_ptr<Messaging>> make_messaging(const MessagingParts& parts) {
    const std::string& type = parts.configuration.text("MESSAGING_TYPE");
    if (type == "RabbitMqConnection") return make_rabbitmq_messaging(parts);
    if (type == "SqsConnection") return make_sqs_messaging(parts);
    return make_sqlite_messaging(parts);
}

}  // namespace rococo::svchost
