// SPDX-License-Identifier: MIT
// A message's properties as a peer sends them: what becomes of them in a delivery and in its
// copies. Whatever is shown of a message is shown of its copies, too.
#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "message_copy.hpp"
#include "rabbitmq_delivery.hpp"
#include "rococo_headers.hpp"

namespace {

using namespace rococo::messaging;

constexpr std::size_t kFrameBytes = 131'072;

void require(bool condition) {
    if (!condition) std::abort();
}

amqp_bytes_t bytes_of(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};  // NOLINT(*-const-cast)
}

class Pool {
public:
    Pool() { init_amqp_pool(&pool_, 4096); }
    ~Pool() { empty_amqp_pool(&pool_); }
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;
    /// Null where the bytes are no properties.
    const amqp_basic_properties_t* decode(std::string_view raw) {
        void* decoded = nullptr;
        if (amqp_decode_properties(AMQP_BASIC_CLASS, &pool_, bytes_of(raw), &decoded) < 0)
            return nullptr;
        return static_cast<const amqp_basic_properties_t*>(decoded);
    }

private:
    amqp_pool_t pool_{};
};

/// Null where the bytes are no properties.
std::unique_ptr<RabbitMqDelivery> delivery_of(std::string_view raw) {
    Pool pool;
    const auto* properties = pool.decode(raw);
    if (properties == nullptr) return nullptr;
    return RabbitMqDelivery::create(bytes_of(raw), *properties, 0, "queue");
}

std::string encoded(const MessageCopy& copy) {
    std::string frame(kFrameBytes, '\0');
    auto properties = copy.properties();
    const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &properties, bytes_of(frame));
    require(size >= 0);
    frame.resize(static_cast<std::size_t>(size));
    return frame;
}

using Shown = std::vector<std::pair<std::string, std::string>>;

Shown shown(const RabbitMqDelivery& delivery) {
    Shown all;
    // The broker's own count does not go over into copies.
    for (const auto& header : delivery.headers)
        if (header.name != headers::kDeliveryCount) all.emplace_back(header.name, header.value);
    return all;
}

bool was_copy(const RabbitMqDelivery& delivery) {
    return delivery.raw_properties().find(headers::kPrefix) != std::string_view::npos;
}

void check_copy(const RabbitMqDelivery& original, MessageCopy::Purpose purpose) {
    MessageCopy copy(original.raw_properties(), original.body, purpose, "guest");
    copy.set_header(headers::kAttempts, std::int64_t{original.attempt});
    copy.set_header(headers::kError, std::string("it failed"));
    copy.fit_into(kFrameBytes - 4096);
    const auto raw = encoded(copy);
    const auto again = delivery_of(raw);
    require(again != nullptr);
    require(again->id == original.id);
    require(again->content_type == original.content_type);
    require(again->correlation_id == original.correlation_id);
    require(again->sent_at == original.sent_at);
    require(again->attempt > original.attempt ||
            original.attempt > RabbitMqDelivery::kMostAttempts);
    // Traces of the host's own in the original (a forgery, or a copy before) change what is shown.
    if (purpose == MessageCopy::Purpose::retry && !was_copy(original))
        require(shown(*again) == shown(original));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view raw(reinterpret_cast<const char*>(data), size);
    const auto delivery = delivery_of(raw);
    if (!delivery) return 0;
    require(delivery->attempt >= 1 && delivery->attempt <= RabbitMqDelivery::kMostAttempts + 1);
    require(delivery->raw_properties() == raw);
    require(delivery->queue == "queue");
    for (const auto purpose : {MessageCopy::Purpose::retry, MessageCopy::Purpose::dead_letter,
                               MessageCopy::Purpose::requeue})
        check_copy(*delivery, purpose);
    // A frame too small for it: the largest headers go, and nothing breaks.
    MessageCopy small(raw, delivery->body, MessageCopy::Purpose::retry, "guest");
    small.set_header(headers::kAttempts, std::int64_t{1});
    small.fit_into(200);
    static_cast<void>(encoded(small));
    return 0;
}
