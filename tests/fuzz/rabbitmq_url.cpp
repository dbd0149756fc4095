// SPDX-License-Identifier: MIT
// RABBITMQ_URL and RABBITMQ_HOST over any bytes: no crash, and what they accept can be connected
// to.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

namespace {

using namespace rococo::messaging;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_addresses(const RabbitMqSettings& settings) {
    const auto addresses = rabbitmq_addresses(settings);
    if (!addresses) {
        require(addresses.error().kind == rococo::ErrorKind::configuration);
        require(addresses.error().message.starts_with("RABBITMQ_HOST: "));
        return;
    }
    require(addresses->size() == settings.hosts.size());
    for (const auto& address : *addresses) {
        require(!address.host.empty() && address.port != 0);
        require(!rabbitmq_endpoint(settings, address).empty());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    RabbitMqSettings base;
    base.password = "the password that was set before";
    const auto settings = parse_rabbitmq_url(text, base);
    if (settings) {
        require(text.find("amqp") != std::string_view::npos);
        require(!settings->hosts.empty());
        require(rabbitmq_addresses(*settings).has_value());
        require(settings->tls.enabled == (text.find("amqps://") != std::string_view::npos) ||
                !settings->tls.enabled);
        check_addresses(*settings);
        // The same again, since it depends on nothing else.
        const auto again = parse_rabbitmq_url(text, base);
        require(again && again->hosts == settings->hosts && again->password == settings->password);
    } else {
        require(settings.error().kind == rococo::ErrorKind::configuration);
        require(settings.error().message.starts_with("RABBITMQ_URL: "));
        // What it says has nothing of the URL in it, hence nothing of a password.
        require(settings.error().message.size() < 300);
    }
    RabbitMqSettings hosts;
    hosts.hosts = {std::string(text)};
    check_addresses(hosts);
    return 0;
}
