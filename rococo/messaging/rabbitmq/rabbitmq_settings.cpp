// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_settings.hpp"

#include <optional>

#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr std::uint16_t kPlainPort = 5672;
constexpr std::uint16_t kTlsPort = 5671;

int hex_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    return -1;
}

/// The text with `%41` and the like decoded; none where an escape is broken.
std::optional<std::string> decode_percent(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            decoded += text[at];
            continue;
        }
        if (at + 2 >= text.size()) return std::nullopt;
        const int high = hex_value(text[at + 1]);
        const int low = hex_value(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        decoded += static_cast<char>(high * 16 + low);
        at += 2;
    }
    return decoded;
}

tl::unexpected<Error> bad_url(std::string_view what) {
    return failure(ErrorKind::configuration,
                   "RABBITMQ_URL: " + std::string(what) +
                       ". Expected amqp://user:password@host:port/vhost, or amqps:// for TLS; "
                       "special characters as %XX.");
}

/// `host`, `host:port`, `[::1]`, `[::1]:port`. An address without brackets that holds more than one
/// colon is IPv6 as a whole.
std::optional<RabbitMqAddress> parse_address(std::string_view entry, std::uint16_t default_port) {
    RabbitMqAddress address{.host = {}, .port = default_port};
    std::string_view port;
    if (entry.starts_with('[')) {
        const auto bracket = entry.find(']');
        if (bracket == std::string_view::npos) return std::nullopt;
        address.host = entry.substr(1, bracket - 1);
        const auto rest = entry.substr(bracket + 1);
        if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
        if (!rest.empty()) port = rest;
    } else {
        const auto colon = entry.find(':');
        const bool is_ipv6 = colon != std::string_view::npos && entry.rfind(':') != colon;
        address.host = is_ipv6 ? entry : entry.substr(0, colon);
        if (!is_ipv6 && colon != std::string_view::npos) port = entry.substr(colon);
    }
    if (address.host.empty()) return std::nullopt;
    if (!port.empty()) {
        const auto number = parse_number<std::uint16_t>(port.substr(1));
        if (number.value_or(0) == 0) return std::nullopt;
        address.port = *number;
    }
    return address;
}

std::vector<std::string> split_hosts(std::string_view list) {
    std::vector<std::string> hosts;
    for (const auto host : split(list, ',')) hosts.emplace_back(trim(host));
    return hosts;
}

Result<void> apply_credentials(std::string_view credentials, RabbitMqSettings& settings) {
    const auto colon = credentials.find(':');
    auto user = decode_percent(credentials.substr(0, colon));
    if (!user) return bad_url("the user holds a broken % escape");
    settings.user = std::move(*user);
    if (colon == std::string_view::npos) return {};
    auto password = decode_percent(credentials.substr(colon + 1));
    if (!password) return bad_url("the password holds a broken % escape");
    settings.password = std::move(*password);
    return {};
}

/// Reads one URL.
Result<RabbitMqSettings> parse_one(std::string_view url, RabbitMqSettings base) {
    const auto scheme_end = url.find("://");
    const auto scheme = url.substr(0, scheme_end);
    if (scheme_end == std::string_view::npos || (scheme != "amqp" && scheme != "amqps"))
        return bad_url("it does not begin with amqp:// or amqps://");
    if (scheme == "amqps") base.tls.enabled = true;
    url.remove_prefix(scheme_end + 3);

    if (url.find_first_of("?#") != std::string_view::npos)
        return bad_url("parameters after ? or # are not known; set the RABBITMQ_… variables");

    const auto slash = url.find('/');
    if (slash != std::string_view::npos) {
        const auto vhost_text = url.substr(slash + 1);
        if (vhost_text.find('/') != std::string_view::npos && vhost_text != "/")
            return bad_url("a slash within the virtual host must be written %2F");
        auto vhost = vhost_text == "/" ? std::string("/") : decode_percent(vhost_text);
        if (!vhost) return bad_url("the virtual host holds a broken % escape");
        if (!vhost->empty()) base.virtual_host = std::move(*vhost);
        url = url.substr(0, slash);
    }
    if (const auto at = url.rfind('@'); at != std::string_view::npos) {
        ROCOCO_TRY(apply_credentials(url.substr(0, at), base));
        url.remove_prefix(at + 1);
    }
    if (!url.empty()) base.hosts = split_hosts(url);
    auto addresses = rabbitmq_addresses(base);
    if (!addresses) return bad_url("the host or its port cannot be read");
    return base;
}

/// Where the next URL begins with its comma: one that another scheme follows. A comma elsewhere
/// parts hosts of one URL.
std::size_t end_of_url(std::string_view urls) {
    for (auto comma = urls.find(','); comma != std::string_view::npos;
         comma = urls.find(',', comma + 1)) {
        const auto rest = trim(urls.substr(comma + 1));
        if (rest.starts_with("amqp://") || rest.starts_with("amqps://")) return comma;
    }
    return std::string_view::npos;
}

}  // namespace

Result<RabbitMqSettings> parse_rabbitmq_url(std::string_view url, RabbitMqSettings base) {
    const auto comma = end_of_url(url);
    auto first = parse_one(trim(url.substr(0, comma)), base);
    if (!first || comma == std::string_view::npos) return first;
    ROCOCO_ASSIGN_OR_RETURN(auto others,
                            parse_rabbitmq_url(trim(url.substr(comma + 1)), std::move(base)));
    if (others.user != first->user || others.password != first->password ||
        others.virtual_host != first->virtual_host || others.tls.enabled != first->tls.enabled)
        return bad_url("several URLs must agree in all but the host and its port");
    first->hosts.insert(first->hosts.end(), others.hosts.begin(), others.hosts.end());
    return first;
}

Result<std::vector<RabbitMqAddress>> rabbitmq_addresses(const RabbitMqSettings& settings) {
    const std::uint16_t fallback = settings.tls.enabled ? kTlsPort : kPlainPort;
    const std::uint16_t port = settings.port != 0 ? settings.port : fallback;
    std::vector<RabbitMqAddress> addresses;
    for (const auto& entry : settings.hosts) {
        auto address = parse_address(trim(entry), port);
        if (!address) {
            return failure(ErrorKind::configuration,
                           "RABBITMQ_HOST: '" + entry +
                               "' is not a host. Expected names or addresses separated by commas, "
                               "each optionally with :port (1 to 65535).");
        }
        addresses.push_back(std::move(*address));
    }
    if (addresses.empty())
        return failure(ErrorKind::configuration, "RABBITMQ_HOST: no host is given.");
    return addresses;
}

std::string rabbitmq_endpoint(const RabbitMqSettings& settings, const RabbitMqAddress& address) {
    const bool is_ipv6 = address.host.find(':') != std::string::npos;
    std::string text = settings.tls.enabled ? "amqps://" : "amqp://";
    text += settings.user + "@" + (is_ipv6 ? "[" + address.host + "]" : address.host) + ":" +
            std::to_string(address.port);
    if (!settings.virtual_host.starts_with('/')) text += '/';
    return text + settings.virtual_host;
}

}  // namespace rococo::messaging
