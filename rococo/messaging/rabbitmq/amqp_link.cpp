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
#include "rococo/base/try.hpp"
#include "tcp_probe.hpp"

namespace rococo::messaging {
namespace {

// RabbitMQ's default, and the size of rabbitmq-c's input buffer.
constexpr int kFrameMaxBytes = 131'072;
constexpr int kChannelMax = 16;

timeval to_timeval(std::chrono::milliseconds time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

amqp_table_entry_t text_entry(std::string_view key, std::string_view value) {
    return {bytes_of(key), {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = bytes_of(value)}}};
}

amqp_table_entry_t true_entry(std::string_view key) {
    return {bytes_of(key), {.kind = AMQP_FIELD_KIND_BOOLEAN, .value = {.boolean = 1}}};
}

amqp_table_entry_t table_entry(std::string_view key, amqp_table_t table) {
    return {bytes_of(key), {.kind = AMQP_FIELD_KIND_TABLE, .value = {.table = table}}};
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

    ROCOCO_TRY(link->open_socket(settings, address));
    limit_unanswered_writes(link->fd(), settings.heartbeat);
    ROCOCO_TRY(link->login(settings, address, role));
    if (channel != 0) ROCOCO_TRY(link->open_channel(channel));
    if (confirms) ROCOCO_TRY(link->select_confirms(channel));
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
    return tl::unexpected(std::move(failure));
}

AmqpLink::~AmqpLink() { amqp_destroy_connection(state_); }

AmqpResult<void> AmqpLink::open_channel(amqp_channel_t channel) {
    amqp_channel_open(state_, channel);
    return result_of(state_, channel, amqp_get_rpc_reply(state_), "open a channel");
}

AmqpResult<std::shared_ptr<amqp_message_t>> AmqpLink::get(amqp_channel_t channel,
                                                          const std::string& queue,
                                                          std::uint64_t& tag) {
    const auto request = fmt::format("get a message from '{}'", queue);
    auto reply = amqp_basic_get(state_, channel, bytes_of(queue), /*no_ack=*/0);
    ROCOCO_TRY(result_of(state_, channel, reply, request));
    if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return nullptr;
    tag = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->delivery_tag;

    auto message = std::make_unique<amqp_message_t>();
    reply = amqp_read_message(state_, channel, message.get(), 0);
    ROCOCO_TRY(result_of(state_, channel, reply, request));
    amqp_maybe_release_buffers_on_channel(state_, channel);
    return std::shared_ptr<amqp_message_t>(message.release(), [](amqp_message_t* held) {
        amqp_destroy_message(held);
        delete held;
    });
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
    return result_of(amqp_send_frame(state_, &heartbeat), "send a heartbeat");
}

AmqpResult<void> AmqpLink::select_confirms(amqp_channel_t channel) {
    amqp_confirm_select(state_, channel);
    return result_of(state_, channel, amqp_get_rpc_reply(state_), "confirm messages");
}

void AmqpLink::close() {
    constexpr timeval kPatience{.tv_sec = 2, .tv_usec = 0};
    amqp_set_rpc_timeout(state_, &kPatience);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
}

}  // namespace rococo::messaging
