// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "amqp_wire.hpp"
#include "broker_channel.hpp"
#include "broker_script.hpp"

namespace rococo::messaging::tests {

/// One connection of a client to the scripted broker.
///
/// **Thread-safety**: none; all under the broker's lock.
class BrokerSession : public std::enable_shared_from_this<BrokerSession> {
public:
    BrokerSession(BrokerCore& core, int fd, int number);
    ~BrokerSession();
    BrokerSession(const BrokerSession&) = delete;
    BrokerSession& operator=(const BrokerSession&) = delete;

    // What the broker's loop asks and calls.
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] bool ended() const { return fd_ < 0; }
    [[nodiscard]] bool wants_read() const { return reading_; }
    [[nodiscard]] bool wants_write(BrokerTime now) const;
    /// Whether what is written waits for its pace.
    [[nodiscard]] bool waits() const { return !out_.empty() && pace_bytes_ > 0; }
    void read();
    void write(BrokerTime now);
    /// Heartbeats and time limits.
    void tick(BrokerTime now);

    // What channels and scripts call.
    void send(std::string_view bytes);
    void send(std::uint16_t channel, wire::Method method, const wire::Writer& arguments = {}) {
        send(wire::method_frame(channel, method, arguments));
    }
    void close_channel(std::uint16_t channel, std::uint16_t code, std::string_view text,
                       wire::Method cause = wire::Method::none);
    void close_connection(std::uint16_t code, std::string_view text,
                          wire::Method cause = wire::Method::none);
    /// Gives back what it holds and ends, with a reset or without.
    void end(bool reset);
    void end_when_written();
    /// What arrived meanwhile is taken when it reads again.
    void set_reading(bool reading);
    void set_pace(std::size_t bytes, std::chrono::milliseconds every);
    void cancel_consumers();
    [[nodiscard]] BrokerChannel* channel(std::uint16_t number);

    [[nodiscard]] int number() const { return number_; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::string& user() const { return user_; }
    [[nodiscard]] std::uint32_t frame_max() const { return frame_max_; }
    [[nodiscard]] bool open() const { return state_ == State::open; }
    [[nodiscard]] BrokerRecord::Connection& noted();
    [[nodiscard]] BrokerCore& core() { return core_; }
    [[nodiscard]] Peer peer(std::uint16_t channel, wire::Method method);

private:
    enum class State { greeting, starting, tuning, opening, open, closing };

    void process();
    void take_input();
    void greet();
    void handle(const wire::Frame& frame);
    void handle_connection(wire::Method method, wire::Reader arguments);
    void start_ok(wire::Reader arguments);
    void tune_ok(wire::Reader arguments);
    void open_vhost(const std::string& vhost);
    void handle_channel(std::uint16_t number, wire::Method method, wire::Reader arguments);

    BrokerCore& core_;
    int fd_;
    const int number_;
    State state_ = State::greeting;
    std::string name_;
    std::string user_;
    std::uint32_t frame_max_ = 4096;
    std::chrono::seconds heartbeat_{0};
    BrokerTime heard_{};
    BrokerTime spoke_{};
    bool reading_ = true;
    bool end_when_written_ = false;
    wire::FrameReader in_;
    std::string out_;
    std::size_t pace_bytes_ = 0;
    std::chrono::milliseconds pace_every_{1};
    BrokerTime write_not_before_{};
    std::map<std::uint16_t, std::shared_ptr<BrokerChannel>> channels_;
};

}  // namespace rococo::messaging::tests
