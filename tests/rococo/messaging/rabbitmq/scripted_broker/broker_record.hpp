// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "amqp_wire.hpp"

namespace rococo::messaging::tests {

/// Everything that the scripted broker has received, in order.
struct BrokerRecord {
    struct Connection {
        int number = 0;               ///< 1: the first that was accepted.
        std::string name = {};        ///< As the client gives it, such as `test consumer`.
        wire::Table properties = {};  ///< The client's.
        std::uint32_t frame_max = 0;
        std::uint16_t heartbeat = 0;
        bool open = true;
        bool said_goodbye = false;  ///< `connection.close`, as opposed to a mere end.
        std::string error = {};     ///< What the client sent that is not AMQP.
    };
    struct Received {
        int connection = 0;
        std::uint16_t channel = 0;
        wire::Method method = wire::Method::none;
    };
    struct Published {
        int connection = 0;
        std::uint64_t sequence = 0;  ///< On its channel, since `confirm.select`.
        std::string exchange;
        std::string queue;  ///< The routing key.
        bool mandatory = false;
        wire::Properties properties;
        std::string body;
    };
    /// One message; `multiple` is taken apart.
    struct Settled {
        enum class How { ack, nack, reject };
        int connection = 0;
        std::uint64_t tag = 0;
        How how = How::ack;
        bool requeue = false;
        std::string queue;
        std::string body;
    };
    struct Declared {
        int connection = 0;
        std::string queue;
        bool passive = false;
        bool durable = false;
        bool exclusive = false;
        bool auto_delete = false;
        wire::Table arguments;
    };
    struct Subscribed {
        int connection = 0;
        std::string queue;
        std::string tag;
        std::uint16_t prefetch = 0;
    };

    std::vector<Connection> connections;
    std::vector<Received> methods;
    std::vector<Published> published;
    std::vector<Settled> settled;
    std::vector<Declared> declared;
    std::vector<Subscribed> subscribed;
    /// Acknowledgements of tags that nobody holds; RabbitMQ closes the channel.
    std::vector<std::uint64_t> unknown_tags;

    [[nodiscard]] std::size_t count(wire::Method method) const {
        return static_cast<std::size_t>(
            std::ranges::count(methods, method, &BrokerRecord::Received::method));
    }
    [[nodiscard]] std::size_t acked() const {
        return static_cast<std::size_t>(
            std::ranges::count(settled, Settled::How::ack, &Settled::how));
    }
    [[nodiscard]] std::vector<Published> published_to(std::string_view queue) const {
        std::vector<Published> found;
        std::ranges::copy_if(published, std::back_inserter(found),
                             [&](const auto& message) { return message.queue == queue; });
        return found;
    }
    /// Those whose name ends so.
    [[nodiscard]] std::vector<Connection> connections_of(std::string_view role) const {
        std::vector<Connection> found;
        std::ranges::copy_if(connections, std::back_inserter(found), [&](const auto& connection) {
            return connection.name.ends_with(role);
        });
        return found;
    }
};

}  // namespace rococo::messaging::tests
