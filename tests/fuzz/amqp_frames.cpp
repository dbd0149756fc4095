// SPDX-License-Identifier: MIT
// What a peer sends after the login, over any bytes: the consuming link reads it or gives up, and
// nothing breaks.
//
// The input is a list of frames, so that most of it gets beyond the framing: a byte for the type
// (0: what follows goes over the wire as it is), one for the channel, two for the length, the
// payload.
#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "consumer_link.hpp"
#include "scripted_broker.hpp"

namespace {

using namespace rococo::messaging;
using namespace rococo::messaging::tests;

void require(bool condition) {
    if (!condition) std::abort();
}

std::string wire_bytes(std::string_view input) {
    std::string bytes;
    wire::Reader in(input);
    while (in.rest().size() >= 4) {
        const auto type = in.u8();
        const auto channel = static_cast<std::uint16_t>(in.u8() % 4);
        const std::size_t length = in.u16();
        const std::string payload(in.take(std::min(length, in.rest().size())));
        if (type == 0) {
            bytes += payload;
        } else {
            bytes +=
                wire::encode(wire::Frame{static_cast<wire::FrameType>(type), channel, payload});
        }
    }
    return bytes;
}

RabbitMqSettings settings_for(std::uint16_t port) {
    RabbitMqSettings settings;
    settings.hosts = {"127.0.0.1"};
    settings.port = port;
    settings.queue = "work";
    settings.heartbeat = std::chrono::seconds(0);
    return settings;
}

/// Reads to the end of the connection, which must come.
void read_all(ConsumerLink& link) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
        pollfd fd{.fd = link.fd(), .events = POLLIN, .revents = 0};
        if (!link.has_buffered_input()) ::poll(&fd, 1, 1000);
        Deliveries deliveries;
        const auto read = link.read(std::chrono::steady_clock::now(), 100, 1'000'000, deliveries);
        for (const auto& delivery : deliveries) {
            require(delivery != nullptr && delivery->attempt >= 1);
            std::size_t sum = delivery->body.size();
            for (const char byte : delivery->body) sum += static_cast<unsigned char>(byte);
            for (const auto& header : delivery->headers) sum += header.value.size();
            require(sum < 1'000'000'000);
        }
        if (!read) {
            require(!read.error().error.message.empty());
            return;
        }
        require(std::chrono::steady_clock::now() < deadline);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static ScriptedBroker broker;
    static const auto settings = settings_for(broker.port());
    const auto bytes = wire_bytes({reinterpret_cast<const char*>(data), size});
    auto link = ConsumerLink::open(settings, {.host = "127.0.0.1", .port = broker.port()},
                                   {.prefetch = 10, .epoch = 1});
    require(link.has_value());
    broker.now("consumer", [&bytes](Peer& peer) {
        peer.send_raw(bytes);
        script::drop_when_sent()(peer);
    });
    read_all(**link);
    link->reset();
    // What was recorded of this run is of no use to the next.
    broker.forget_record();
    return 0;
}
