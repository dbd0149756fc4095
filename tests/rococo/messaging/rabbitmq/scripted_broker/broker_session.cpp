// SPDX-License-Identifier: MIT
#include "broker_session.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace rococo::messaging::tests {
namespace {

using wire::Method;
using wire::Writer;

constexpr std::uint16_t kFrameError = 501;
constexpr std::uint16_t kNotAllowed = 530;
constexpr std::uint16_t kNotImplemented = 540;

wire::Table server_properties(const std::string& version) {
    const wire::Table capabilities{{"publisher_confirms", true},
                                   {"exchange_exchange_bindings", true},
                                   {"basic.nack", true},
                                   {"consumer_cancel_notify", true},
                                   {"connection.blocked", true},
                                   {"consumer_priorities", true},
                                   {"authentication_failure_close", true},
                                   {"per_consumer_qos", true},
                                   {"direct_reply_to", true}};
    return {{"capabilities", capabilities},
            {"cluster_name", "scripted@localhost"},
            {"copyright", "none"},
            {"information", "Licensed under the MIT licence"},
            {"platform", "Erlang/OTP 25.2.3"},
            {"product", "RabbitMQ"},
            {"version", version}};
}

std::uint16_t class_of(Method method) {
    return static_cast<std::uint16_t>(static_cast<std::uint32_t>(method) >> 16U);
}

Writer close_arguments(std::uint16_t code, std::string_view text, Method cause) {
    Writer arguments;
    arguments.u16(code).shortstr(text.substr(0, 255)).u32(static_cast<std::uint32_t>(cause));
    return arguments;
}

}  // namespace

BrokerSession::BrokerSession(BrokerCore& core, int fd, int number)
    : core_(core),
      fd_(fd),
      number_(number),
      heard_(std::chrono::steady_clock::now()),
      spoke_(heard_),
      reading_(!core.options.silent),
      pace_bytes_(core.options.write_bytes),
      pace_every_(core.options.write_every) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto& connection = core_.record.connections.emplace_back();
    connection.number = number;
}

BrokerSession::~BrokerSession() {
    channels_.clear();
    if (fd_ >= 0) ::close(fd_);
}

BrokerRecord::Connection& BrokerSession::noted() {
    auto& all = core_.record.connections;
    const auto found = std::ranges::find(all, number_, &BrokerRecord::Connection::number);
    if (found != all.end()) return *found;
    // What was recorded before was forgotten.
    all.push_back({.number = number_, .name = name_});
    return all.back();
}

Peer BrokerSession::peer(std::uint16_t channel, Method method) {
    Peer peer;
    peer.session = shared_from_this();
    peer.channel = channel;
    peer.method = method;
    return peer;
}

BrokerChannel* BrokerSession::channel(std::uint16_t number) {
    const auto found = channels_.find(number);
    return found == channels_.end() ? nullptr : found->second.get();
}

// ---- Bytes ------------------------------------------------------------------------------------

void BrokerSession::read() {
    std::array<char, 65536> buffer;
    const auto got = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(false);
    heard_ = std::chrono::steady_clock::now();
    in_.feed({buffer.data(), static_cast<std::size_t>(got)});
    process();
}

void BrokerSession::set_reading(bool reading) {
    reading_ = reading;
    heard_ = std::chrono::steady_clock::now();
    if (reading) process();
}

void BrokerSession::process() {
    try {
        take_input();
    } catch (const wire::WireError& error) {
        noted().error = error.what();
        close_connection(kFrameError, std::string("FRAME_ERROR - ") + error.what());
    }
}

void BrokerSession::take_input() {
    if (state_ == State::greeting) {
        const auto header = in_.take(wire::kProtocolHeader.size());
        if (!header) return;
        if (*header != wire::kProtocolHeader) {
            // What RabbitMQ answers to another protocol.
            send(wire::kProtocolHeader);
            end_when_written_ = true;
            return;
        }
        state_ = State::starting;
        Peer greeted = peer(0, Method::protocol_header);
        greeted.honest = [this] { greet(); };
        core_.meet(std::move(greeted));
    }
    while (!ended() && reading_) {
        auto frame = in_.next(frame_max_);
        if (!frame) return;
        handle(*frame);
    }
}

void BrokerSession::send(std::string_view bytes) {
    if (ended()) return;
    out_.append(bytes);
}

bool BrokerSession::wants_write(BrokerTime now) const {
    return !out_.empty() && now >= write_not_before_;
}

void BrokerSession::set_pace(std::size_t bytes, std::chrono::milliseconds every) {
    pace_bytes_ = bytes;
    pace_every_ = every;
    write_not_before_ = {};
}

void BrokerSession::write(BrokerTime now) {
    const auto most = pace_bytes_ == 0 ? out_.size() : std::min(pace_bytes_, out_.size());
    const auto sent = ::send(fd_, out_.data(), most, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (sent < 0) return end(false);
    out_.erase(0, static_cast<std::size_t>(sent));
    spoke_ = now;
    if (pace_bytes_ != 0) write_not_before_ = now + pace_every_;
    if (out_.empty() && end_when_written_) end(false);
}

void BrokerSession::tick(BrokerTime now) {
    if (ended() || state_ != State::open) return;
    if (heartbeat_.count() > 0) {
        if (now - spoke_ >= heartbeat_ / 2 && out_.empty())
            send(wire::encode(wire::Frame{wire::FrameType::heartbeat, 0, {}}));
        if (reading_ && now - heard_ >= heartbeat_ * 2) return end(false);
    }
    const auto limit = core_.options.consumer_timeout;
    if (limit.count() == 0) return;
    for (const auto& [number, channel] : channels_) {
        if (!channel->closing() && channel->holds_longer_than(limit, now)) {
            close_channel(number, 406, broker_says::consumer_timeout(number, limit));
        }
    }
}

void BrokerSession::end(bool reset) {
    if (ended()) return;
    if (reset) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    ::close(fd_);
    fd_ = -1;
    noted().open = false;
    for (const auto& [number, channel] : channels_) channel->release();
}

void BrokerSession::end_when_written() {
    end_when_written_ = true;
    if (out_.empty()) end(false);
}

void BrokerSession::close_channel(std::uint16_t channel_number, std::uint16_t code,
                                  std::string_view text, Method cause) {
    if (auto* closed = channel(channel_number)) {
        closed->release();
        closed->set_closing();
    }
    send(channel_number, Method::channel_close, close_arguments(code, text, cause));
}

void BrokerSession::close_connection(std::uint16_t code, std::string_view text, Method cause) {
    for (const auto& [number, channel] : channels_) {
        channel->release();
        channel->set_closing();
    }
    state_ = State::closing;
    send(0, Method::connection_close, close_arguments(code, text, cause));
}

void BrokerSession::cancel_consumers() {
    for (const auto& [number, channel] : channels_) channel->cancel_all();
}

// ---- Frames -----------------------------------------------------------------------------------

void BrokerSession::handle(const wire::Frame& frame) {
    if (frame.type == wire::FrameType::heartbeat) return;
    if (frame.type == wire::FrameType::method) {
        wire::Reader reader(frame.payload);
        const auto method = static_cast<Method>(reader.u32());
        core_.record.methods.push_back({number_, frame.channel, method});
        if (frame.channel == 0) return handle_connection(method, reader);
        return handle_channel(frame.channel, method, reader);
    }
    auto* to = channel(frame.channel);
    if (to == nullptr || to->closing() || state_ != State::open) return;
    if (frame.type == wire::FrameType::header) return to->content_header(frame.payload);
    if (frame.type == wire::FrameType::body) return to->content_body(frame.payload);
    throw wire::WireError("an unknown type of frame");
}

void BrokerSession::greet() {
    Writer arguments;
    arguments.u8(0).u8(9).table(server_properties(core_.options.version));
    arguments.longstr("PLAIN AMQPLAIN").longstr("en_US");
    send(0, Method::connection_start, arguments);
}

void BrokerSession::handle_connection(Method method, wire::Reader arguments) {
    if (method == Method::connection_close) {
        noted().said_goodbye = true;
        Peer leaving = peer(0, method);
        leaving.honest = [this] {
            for (const auto& [number, channel] : channels_) channel->release();
            send(0, Method::connection_close_ok);
            end_when_written_ = true;
        };
        return core_.meet(std::move(leaving));
    }
    if (state_ == State::closing) {
        if (method == Method::connection_close_ok) end(false);
        return;
    }
    switch (method) {
        case Method::connection_start_ok:
            return start_ok(arguments);
        case Method::connection_tune_ok:
            return tune_ok(arguments);
        case Method::connection_open: {
            Peer opening = peer(0, method);
            opening.honest = [this, vhost = arguments.shortstr()] { open_vhost(vhost); };
            return core_.meet(std::move(opening));
        }
        default:
            close_connection(kNotImplemented, "NOT_IMPLEMENTED - no such method", method);
    }
}

void BrokerSession::start_ok(wire::Reader arguments) {
    auto properties = arguments.table();
    const auto mechanism = arguments.shortstr();
    const auto response = arguments.longstr();
    if (const auto* name = wire::find(properties, "connection_name")) name_ = name->text();
    noted().name = name_;
    noted().properties = std::move(properties);
    // PLAIN: an empty identity, user and password, each behind a zero byte.
    const auto second = response.find('\0', 1);
    std::string password;
    if (mechanism == "PLAIN" && second != std::string::npos) {
        user_ = response.substr(1, second - 1);
        password = response.substr(second + 1);
    }
    Peer starting = peer(0, Method::connection_start_ok);
    starting.honest = [this, mechanism, password] {
        const auto known = core_.options.users.find(user_);
        if (known == core_.options.users.end() || known->second != password) {
            return close_connection(403,
                                    "ACCESS_REFUSED - Login was refused using authentication "
                                    "mechanism " +
                                        mechanism + ". For details see the broker logfile.");
        }
        state_ = State::tuning;
        Writer tune;
        tune.u16(core_.options.channel_max).u32(core_.options.frame_max);
        send(0, Method::connection_tune, tune.u16(core_.options.heartbeat_seconds));
    };
    core_.meet(std::move(starting));
}

void BrokerSession::tune_ok(wire::Reader arguments) {
    arguments.u16();
    frame_max_ = arguments.u32();
    heartbeat_ = std::chrono::seconds(arguments.u16());
    noted().frame_max = frame_max_;
    noted().heartbeat = static_cast<std::uint16_t>(heartbeat_.count());
    state_ = State::opening;
}

void BrokerSession::open_vhost(const std::string& vhost) {
    if (vhost != core_.options.vhost)
        return close_connection(kNotAllowed, "NOT_ALLOWED - vhost " + vhost + " not found",
                                Method::connection_open);
    state_ = State::open;
    send(0, Method::connection_open_ok, Writer().shortstr(""));
}

void BrokerSession::handle_channel(std::uint16_t number, Method method, wire::Reader arguments) {
    if (state_ != State::open) return;
    auto* known = channel(number);
    if (known != nullptr && known->closing()) {
        // A client that closes at the same moment gets its answer, too.
        if (method == Method::channel_close) send(number, Method::channel_close_ok);
        if (method == Method::channel_close_ok) channels_.erase(number);
        return;
    }
    if (method == Method::channel_open) {
        if (known != nullptr)
            return close_connection(504, "CHANNEL_ERROR - second 'channel.open' seen", method);
        Peer opening = peer(number, method);
        opening.honest = [this, number] {
            channels_[number] = std::make_shared<BrokerChannel>(*this, number);
            send(number, Method::channel_open_ok, Writer().longstr(""));
        };
        return core_.meet(std::move(opening));
    }
    if (known == nullptr) {
        if (class_of(method) == 20) return;
        return close_connection(504, "CHANNEL_ERROR - expected 'channel.open'", method);
    }
    if (method == Method::channel_close) {
        channels_.erase(number);
        return send(number, Method::channel_close_ok);
    }
    known->handle(method, arguments);
}

}  // namespace rococo::messaging::tests
