// SPDX-License-Identifier: MIT
#include "amqp_link.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "amqp_properties.hpp"
#include "amqp_tls.hpp"
#include "amqp_value_text.hpp"
#include "http_probe.hpp"
#include "tcp_probe.hpp"

namespace rococo::messaging {
namespace {

// RabbitMQ's default, and the size of rabbitmq-c's input buffer.
constexpr int kFrameMaxBytes = 131'072;
constexpr int kChannelMax = 16;

timeval to_timeval(std::chrono::milliseconds time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

amqp_table_entry_t text_entry(const char* key, std::string_view value) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = bytes_of(value);
    return entry;
}

amqp_table_entry_t true_entry(const char* key) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
    entry.value.value.boolean = 1;
    return entry;
}

amqp_table_entry_t table_entry(const char* key, amqp_table_t table) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_TABLE;
    entry.value.value.table = table;
    return entry;
}

/// rabbitmq-c waits in its writes without a limit, and there misses no heartbeat: without this, a
/// network that swallows everything would hold a writer for the kernel's quarter of an hour.
void limit_unanswered_writes(int fd, std::chrono::seconds heartbeat) {
    if (heartbeat.count() == 0) return;
    const auto limit = std::max<std::chrono::milliseconds>(heartbeat * 3, std::chrono::seconds(10));
    const auto milliseconds = static_cast<unsigned>(limit.count());
    ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
}

/// Why there is no connection.
std::string reason_of(int status, const RabbitMqAddress& address,
                      std::chrono::milliseconds timeout) {
    if (status == AMQP_STATUS_TIMEOUT)
        return fmt::format("no answer within {} ms", timeout.count());
    std::string reason;
    if (status == AMQP_STATUS_SOCKET_ERROR)
        reason = why_unreachable(address, std::min(timeout, std::chrono::milliseconds(1000)));
    return reason.empty() ? std::string(status_text(status)) : reason;
}

}  // namespace

AmqpResult<std::unique_ptr<AmqpLink>> AmqpLink::connect(const RabbitMqSettings& settings,
                                                        const RabbitMqAddress& address,
                                                        std::string_view role,
                                                        amqp_channel_t channel, bool confirms) {
    amqp_connection_state_t state = amqp_new_connection();
    if (state == nullptr)
        return amqp_failure(ErrorKind::internal, "Cannot connect to RabbitMQ: out of memory");
    std::unique_ptr<AmqpLink> link(new AmqpLink(state));
    const auto handshake = to_timeval(settings.connect_timeout);
    const auto request = to_timeval(settings.request_timeout);
    amqp_set_handshake_timeout(state, &handshake);
    amqp_set_rpc_timeout(state, &request);

    auto opened = link->open_socket(settings, address);
    if (opened) {
        limit_unanswered_writes(link->fd(), settings.heartbeat);
        opened = link->login(settings, address, role);
    }
    if (opened && channel != 0) opened = link->open_channel(channel);
    if (opened && confirms) opened = link->select_confirms(channel);
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    return link;
}

AmqpResult<void> AmqpLink::open_socket(const RabbitMqSettings& settings,
                                       const RabbitMqAddress& address) {
    if (settings.tls.enabled) return open_tls(state_, settings, address);
    amqp_socket_t* socket = amqp_tcp_socket_new(state_);
    if (socket == nullptr)
        return amqp_failure(ErrorKind::internal, "Cannot connect to RabbitMQ: out of memory");
    const auto timeout = to_timeval(settings.connect_timeout);
    const int status =
        amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &timeout);
    if (status == AMQP_STATUS_OK) return {};
    if (status == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED) {
        return amqp_failure(ErrorKind::unavailable,
                            fmt::format("Cannot reach RabbitMQ: no host has the name {}. Check "
                                        "RABBITMQ_HOST",
                                        address.host));
    }
    return amqp_failure(ErrorKind::unavailable,
                        fmt::format("Cannot reach RabbitMQ at {}:{}: {}. Check RABBITMQ_HOST and "
                                    "RABBITMQ_PORT, and that the broker runs",
                                    address.host, address.port,
                                    reason_of(status, address, settings.connect_timeout)));
}

AmqpResult<void> AmqpLink::login(const RabbitMqSettings& settings, const RabbitMqAddress& address,
                                 std::string_view role) {
    const auto name = fmt::format("{} {}", settings.connection_name, role);
    // Without these the broker tells neither that it ended a subscription nor that it is in alarm;
    // rabbitmq-c asks for other things only, and merges what it is given here.
    std::array capabilities{true_entry("consumer_cancel_notify"), true_entry("connection.blocked"),
                            true_entry("basic.nack"), true_entry("publisher_confirms"),
                            true_entry("authentication_failure_close")};
    std::array entries{
        text_entry("connection_name", name), text_entry("product", "rococo-service-host"),
        table_entry("capabilities",
                    {.num_entries = capabilities.size(), .entries = capabilities.data()})};
    const amqp_table_t properties{.num_entries = entries.size(), .entries = entries.data()};
    const auto heartbeat = static_cast<int>(std::min<long>(settings.heartbeat.count(), 65'535));
    const auto reply = amqp_login_with_properties(
        state_, settings.virtual_host.c_str(), kChannelMax, kFrameMaxBytes, heartbeat, &properties,
        AMQP_SASL_METHOD_PLAIN, settings.user.c_str(), settings.password.c_str());
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return {};

    const int status =
        reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply.library_error : AMQP_STATUS_OK;
    auto failure = login_failure(settings, address, failure_of(state_, 0, reply, "log in"), status);
    if (failure.reply_code == 0 && !settings.tls.enabled &&
        speaks_http(address, std::min(settings.connect_timeout, std::chrono::milliseconds(2000)))) {
        failure.error = {ErrorKind::configuration,
                         fmt::format("An HTTP server answers at {}:{}, not RabbitMQ's AMQP: check "
                                     "RABBITMQ_PORT (5672, or 5671 with RABBITMQ_TLS)",
                                     address.host, address.port)};
    }
    return tl::make_unexpected(std::move(failure));
}

AmqpLink::~AmqpLink() { amqp_destroy_connection(state_); }

AmqpResult<void> AmqpLink::open_channel(amqp_channel_t channel) {
    amqp_channel_open(state_, channel);
    const auto reply = amqp_get_rpc_reply(state_);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return tl::make_unexpected(failure_of(state_, channel, reply, "open a channel"));
    return {};
}

int AmqpLink::server_version_major() const {
    const amqp_table_t* properties = amqp_get_server_properties(state_);
    if (properties == nullptr) return 0;
    for (const auto& entry : entries_of(*properties)) {
        if (view(entry.key) != "version" || !is_text(entry.value)) continue;
        const auto version = view(entry.value.value.bytes);
        int major = 0;
        std::from_chars(version.data(), version.data() + version.size(), major);
        return major;
    }
    return 0;
}

AmqpResult<void> AmqpLink::send_heartbeat() {
    amqp_frame_t heartbeat{};
    heartbeat.frame_type = AMQP_FRAME_HEARTBEAT;
    const int status = amqp_send_frame(state_, &heartbeat);
    if (status == AMQP_STATUS_OK) return {};
    return tl::make_unexpected(failure_of_status(status, "send a heartbeat"));
}

AmqpResult<void> AmqpLink::select_confirms(amqp_channel_t channel) {
    if (amqp_confirm_select(state_, channel) != nullptr) return {};
    return tl::make_unexpected(
        failure_of(state_, channel, amqp_get_rpc_reply(state_), "confirm messages"));
}

void AmqpLink::close() {
    constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};
    amqp_set_rpc_timeout(state_, &kPatience);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
}

}  // namespace rococo::messaging
