// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/messaging/delivery.hpp"

namespace rococo::tests {

/// What a test says of a message; everything but the id has a sensible default.
struct FakeMessage {
    std::string id{};
    std::string body = "body";
    std::string queue = "queue";
    std::uint32_t attempt = 1;
    bool redelivered = false;
    std::string content_type{};
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};
    SystemTime sent_at{};
    std::string content_encoding{};
    std::string reply_to{};
    std::string type{};
    std::string app_id{};
    std::optional<std::uint8_t> priority{};
};

/// A delivery that owns what its views show.
class FakeDelivery final : public messaging::Delivery {
public:
    explicit FakeDelivery(FakeMessage message) : message_(std::move(message)) {
        body = message_.body;
        id = message_.id;
        queue = message_.queue;
        content_type = message_.content_type;
        correlation_id = message_.correlation_id;
        for (const auto& [name, value] : message_.headers) headers_.push_back({name, value});
        headers = headers_;
        sent_at = message_.sent_at;
        attempt = message_.attempt;
        redelivered = message_.redelivered;
        content_encoding = message_.content_encoding;
        reply_to = message_.reply_to;
        type = message_.type;
        app_id = message_.app_id;
        priority = message_.priority;
    }

private:
    FakeMessage message_;
    std::vector<messaging::HeaderView> headers_;
};

}  // namespace rococo::tests
