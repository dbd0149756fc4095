// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amqp_wire.hpp"
#include "broker_queues.hpp"
#include "broker_record.hpp"

namespace rococo::messaging::tests {

class BrokerSession;

/// A client at a certain moment, as a step of the script sees it, and what can be done to it.
class Peer {
public:
    std::shared_ptr<BrokerSession> session;
    std::uint16_t channel = 0;
    wire::Method method = wire::Method::none;  ///< What it sent, or is about to be sent.
    std::string queue;         ///< The queue or routing key that the method names; else empty.
    std::string consumer_tag;  ///< Of a delivery, a subscription.
    std::string body;          ///< Of a message.
    wire::Properties properties;
    std::uint64_t number = 0;  ///< The delivery's tag, or the publication's sequence number.
    std::function<void()> honest;

    /// Does what an honest broker does.
    void answer() const {
        if (honest) honest();
    }
    void send(wire::Method what, const wire::Writer& arguments = {}) const;
    void send_on(std::uint16_t other_channel, wire::Method what,
                 const wire::Writer& arguments = {}) const;
    /// Bytes as they are.
    void send_raw(std::string_view bytes) const;
    [[nodiscard]] std::uint32_t frame_max() const;
};

/// A step of the script.
using Action = std::function<void(Peer&)>;

/// When a rule's steps are taken instead of what an honest broker would do: `method` arrived
/// (`basic.publish`: with all of its body), or `basic.deliver` is about to be sent.
struct Trigger {
    wire::Method method = wire::Method::none;
    std::string role = {};   ///< How the connection's name ends: `consumer`, `copies`, `sender`.
    int connection = 0;      ///< 1: the first that was accepted; 0: any.
    std::string queue = {};  ///< A regular expression for the whole name; empty: any.
    std::string body = {};   ///< What the body begins with.
    int from = 1;            ///< At the so-manieth match.
    int times = 1;           ///< And so many more; 0: for ever.
};

struct BrokerOptions {
    std::string version = "3.10.8";
    std::uint32_t frame_max = 131'072;
    std::uint16_t channel_max = 2047;
    std::uint16_t heartbeat_seconds = 60;
    std::map<std::string, std::string> users{{"guest", "guest"}};
    std::string vhost = "/";
    std::size_t max_message_bytes = 134'217'728;
    std::chrono::milliseconds consumer_timeout{0};  ///< 0: none.
    /// Confirms come so much after the message is in its queue; those that a channel's end
    /// overtakes never come.
    std::chrono::milliseconds confirm_after{0};
    /// Regular expressions for names of queues: `queue.declare`, `basic.publish`, `basic.consume`
    /// and `basic.get` of those are refused with 403.
    std::vector<std::string> no_configure = {};
    std::vector<std::string> no_write = {};
    std::vector<std::string> no_read = {};
    /// Accepts connections and neither reads nor writes: a handshake of TLS that never ends.
    bool silent = false;
    /// Everything is written in pieces of so many bytes, so often. 0: as fast as can be.
    std::size_t write_bytes = 0;
    std::chrono::milliseconds write_every{1};
};

/// What the sessions of one broker share.
struct BrokerCore {
    explicit BrokerCore(BrokerOptions wanted)
        : options(std::move(wanted)), queues(options.version) {}

    BrokerOptions options;
    BrokerQueues queues;
    BrokerRecord record;
    struct Rule {
        Trigger trigger;
        std::vector<Action> steps;
        int matched = 0;
    };
    std::vector<Rule> rules;
    std::multimap<BrokerTime, std::function<void()>> timers;

    /// Takes the steps of the first rule that fits, or answers as an honest broker.
    void meet(Peer peer);
    void after(std::chrono::milliseconds delay, std::function<void()> what);
    /// What RabbitMQ says where a right is missing; empty where it is there.
    [[nodiscard]] static std::string refusal(const std::vector<std::string>& patterns,
                                             std::string_view queue, std::string_view vhost,
                                             std::string_view user);
};

/// Steps of scripts.
namespace script {

[[nodiscard]] Action answer();
[[nodiscard]] Action nothing();
[[nodiscard]] Action close_channel(std::uint16_t code, std::string text);
[[nodiscard]] Action close_connection(std::uint16_t code, std::string text);
/// Ends the connection as a process that exits does.
[[nodiscard]] Action drop();
/// Likewise, once everything is sent.
[[nodiscard]] Action drop_when_sent();
/// Ends it with a reset.
[[nodiscard]] Action reset();
[[nodiscard]] Action raw(std::string bytes);
[[nodiscard]] Action send(wire::Method method, wire::Writer arguments);
[[nodiscard]] Action later(std::chrono::milliseconds delay, Action step);
/// Publications: the confirm without the message being in any queue; with `multiple`, of all before
/// as well.
[[nodiscard]] Action confirm(bool multiple = false);
[[nodiscard]] Action refuse(bool multiple = false);
/// Puts the message into its queue without confirming it.
[[nodiscard]] Action keep_unconfirmed();
/// `basic.return`, without the confirm that follows.
[[nodiscard]] Action return_message(std::uint16_t code = 312, std::string text = "NO_ROUTE");
/// `basic.cancel` for every subscription of the connection, or of a delivery's.
[[nodiscard]] Action cancel_consumers();
[[nodiscard]] Action blocked(std::string reason);
[[nodiscard]] Action unblocked();
[[nodiscard]] Action stop_reading();
[[nodiscard]] Action go_on_reading();
/// From now on, writes so many bytes at a time; 0: as fast as can be.
[[nodiscard]] Action pace(std::size_t bytes, std::chrono::milliseconds every);
/// A delivery that announces `body_size` and then sends these body frames, whatever their sizes.
[[nodiscard]] Action deliver_announcing(std::uint64_t body_size, std::vector<std::string> bodies);
/// A delivery whose content header is these bytes, behind class, weight and `body_size`.
[[nodiscard]] Action deliver_with_properties(std::uint64_t body_size, std::string raw_properties,
                                             std::vector<std::string> bodies);
/// The property flags and bytes of a header table alone.
[[nodiscard]] std::string headers_property(std::string_view table_bytes_with_length);
/// A table in a table, so many times.
[[nodiscard]] wire::Table nested_tables(int levels);
/// The bytes of a header table whose one entry is an array in an array, so many times.
[[nodiscard]] std::string nested_arrays(std::uint32_t levels);
/// Likewise of tables, whose names are empty.
[[nodiscard]] std::string deep_tables(std::uint32_t levels);

}  // namespace script

/// What RabbitMQ writes into `channel.close`.
namespace broker_says {

[[nodiscard]] std::string no_queue(std::string_view queue, std::string_view vhost = "/");
[[nodiscard]] std::string consumer_timeout(std::uint16_t channel, std::chrono::milliseconds limit);
[[nodiscard]] std::string too_large(std::size_t bytes, std::size_t most);
[[nodiscard]] std::string no_right(std::string_view queue, std::string_view user = "guest",
                                   std::string_view vhost = "/");
/// `received`, `current`: `none`, or `the value 'quorum' of type 'longstr'`.
[[nodiscard]] std::string inequivalent(std::string_view argument, std::string_view queue,
                                       std::string_view received, std::string_view current);

}  // namespace broker_says

}  // namespace rococo::messaging::tests
