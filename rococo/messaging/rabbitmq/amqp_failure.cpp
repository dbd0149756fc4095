// SPDX-License-Identifier: MIT
#include "amqp_failure.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

namespace rococo::messaging {
namespace {

/// What a person can do about a refused request.
std::string_view advice(std::uint16_t code, std::string_view text) {
    switch (code) {
        case kAccessRefused:
            if (text.find("reserved prefix") != std::string_view::npos)
                return " Names that begin with amq. are the broker's own: choose another.";
            return " RABBITMQ_USER lacks a permission on RABBITMQ_VIRTUAL_HOST; see "
                   "`rabbitmqctl list_permissions`.";
        case kResourceLocked:
            return " Another connection holds it exclusively.";
        default:
            return "";
    }
}

ErrorKind kind_of(std::uint16_t code) {
    return code == kAccessRefused || code == kNotAllowed || code == kNotImplemented
               ? ErrorKind::configuration
               : ErrorKind::unavailable;
}

AmqpFailure broker_said(std::string_view request, std::uint16_t code, std::string_view text,
                        bool channel_only) {
    AmqpFailure failure{{kind_of(code), fmt::format("RabbitMQ refused to {}: {}.{}", request, text,
                                                    advice(code, text))},
                        code,
                        channel_only,
                        std::string(text)};
    if (code == kAccessRefused && text.find("in exclusive use") != std::string_view::npos) {
        failure.exclusive_elsewhere = true;
        failure.error = {ErrorKind::unavailable,
                         fmt::format("Another consumer has the queue for itself; RabbitMQ refused "
                                     "to {}: {}",
                                     request, text)};
    }
    failure.consumer_timeout = code == kPreconditionFailed &&
                               text.find("acknowledgement") != std::string_view::npos &&
                               text.find("timed out") != std::string_view::npos;
    return failure;
}

}  // namespace

AmqpFailure failure_of_close(amqp_connection_state_t state, amqp_channel_t channel,
                             const amqp_method_t& method, std::string_view request) {
    if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
        const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
        auto failure = broker_said(request, close->reply_code, view(close->reply_text), true);
        amqp_channel_close_ok_t ok{};
        amqp_send_method(state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
        return failure;
    }
    if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
        const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
        auto failure = broker_said(request, close->reply_code, view(close->reply_text), false);
        amqp_connection_close_ok_t ok{};
        amqp_send_method(state, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
        return failure;
    }
    return {{ErrorKind::unavailable,
             fmt::format("RabbitMQ answered the request to {} with the unexpected method {}",
                         request, amqp_method_name(method.id))}};
}

std::string_view status_text(int status) {
    // The library's own word for all that befalls a socket.
    if (status == AMQP_STATUS_SOCKET_ERROR) return "the connection broke";
    return amqp_error_string2(status);
}

AmqpFailure failure_of_status(int status, std::string_view request) {
    return {{ErrorKind::unavailable, fmt::format("Cannot {}: {}", request, status_text(status))}};
}

AmqpFailure failure_of(amqp_connection_state_t state, amqp_channel_t channel,
                       const amqp_rpc_reply_t& reply, std::string_view request) {
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
        return failure_of_close(state, channel, reply.reply, request);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        return failure_of_status(reply.library_error, request);
    return {{ErrorKind::unavailable, fmt::format("Cannot {}: no answer came", request)}};
}

AmqpFailure login_failure(const RabbitMqSettings& settings, const RabbitMqAddress& address,
                          AmqpFailure failure, int status) {
    const auto where = fmt::format("{}:{}", address.host, address.port);
    const auto& said = failure.said;
    if (failure.reply_code == kAccessRefused) {
        failure.error = {ErrorKind::configuration,
                         fmt::format("RabbitMQ at {} refused the credentials of user '{}': check "
                                     "RABBITMQ_USER and RABBITMQ_PASSWORD. ({})",
                                     where, settings.user, said)};
    } else if (failure.reply_code == kNotAllowed && said.find("limit") == std::string::npos) {
        failure.error = {ErrorKind::configuration,
                         fmt::format("RabbitMQ at {} does not let user '{}' into the virtual host "
                                     "'{}': check RABBITMQ_VIRTUAL_HOST, and the user's "
                                     "permissions there. ({})",
                                     where, settings.user, settings.virtual_host, said)};
    } else if (failure.reply_code != 0) {
        failure.error.kind = ErrorKind::unavailable;  // A limit, a node that is still starting.
    } else if (status == AMQP_STATUS_BAD_AMQP_DATA ||
               status == AMQP_STATUS_INCOMPATIBLE_AMQP_VERSION) {
        failure.error = {ErrorKind::configuration,
                         fmt::format("{} does not speak AMQP 0-9-1: check RABBITMQ_HOST and "
                                     "RABBITMQ_PORT (5672, or 5671 with RABBITMQ_TLS)",
                                     where)};
    } else if (status == AMQP_STATUS_TIMEOUT) {
        failure.error.message = fmt::format(
            "{} accepts connections but sent no AMQP greeting within {} ms: check "
            "RABBITMQ_HOST and RABBITMQ_PORT",
            where, settings.connect_timeout.count());
    } else {
        failure.error.message = fmt::format(
            "{} closed the connection during login ({}): a broker that is starting, or "
            "RABBITMQ_PORT is not that of {}",
            where, status_text(status),
            settings.tls.enabled ? "AMQP with TLS" : "AMQP without RABBITMQ_TLS");
    }
    return failure;
}

}  // namespace rococo::messaging
