// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/messaging/delivery.hpp"

namespace rococo::messaging {

/// The name under which people see a header; empty for the host's own, which they do not.
/// `is_copy`: the message came by a delay queue, whose traces are left out.
[[nodiscard]] std::string_view shown_header_name(std::string_view name, bool is_copy);

/// A message of RabbitMQ in hand. The object, the properties as they were on the wire, the queue's
/// name and the body share one allocation: a message costs one `malloc` and one copy out of the
/// socket's buffer.
///
/// **Ownership**: made with `create`, destroyed through `Delivery`.
class RabbitMqDelivery final : public Delivery {
public:
    /// Attempts beyond this are not believed: they come from a forged header.
    static constexpr std::int64_t kMostAttempts = 1'000'000;

    /// From a content header frame, whose memory is copied. The body's bytes are still to be
    /// written, to `body_storage`.
    [[nodiscard]] static std::unique_ptr<RabbitMqDelivery> create(
        amqp_bytes_t raw_properties, const amqp_basic_properties_t& properties,
        std::size_t body_bytes, std::string_view queue_name);

    ~RabbitMqDelivery() override = default;
    RabbitMqDelivery(const RabbitMqDelivery&) = delete;
    RabbitMqDelivery& operator=(const RabbitMqDelivery&) = delete;

    /// Where the body's bytes go.
    [[nodiscard]] char* body_storage() { return storage() + raw_bytes_ + queue.size(); }
    /// The properties as they were on the wire.
    [[nodiscard]] std::string_view raw_properties() const { return {storage(), raw_bytes_}; }

    std::uint64_t tag = 0;    ///< Valid on the channel of `epoch` only.
    std::uint64_t epoch = 0;  ///< Which connection it came by.

    // Made in one piece with its bytes by placement new; the sized delete would be told too little.
    // NOLINTNEXTLINE(misc-new-delete-overloads)
    static void operator delete(void* memory) { ::operator delete(memory); }

private:
    /// What only a message with headers needs.
    struct Headers {
        std::vector<HeaderView> views;
        std::deque<std::string> rendered;
    };

    explicit RabbitMqDelivery(std::size_t raw_bytes) : raw_bytes_(raw_bytes) {}
    static void* operator new(std::size_t object_bytes, std::size_t storage_bytes) {
        return ::operator new(object_bytes + storage_bytes);
    }
    static void operator delete(void* memory, std::size_t) { ::operator delete(memory); }

    [[nodiscard]] char* storage() { return reinterpret_cast<char*>(this + 1); }
    [[nodiscard]] const char* storage() const { return reinterpret_cast<const char*>(this + 1); }
    [[nodiscard]] std::string_view rebased(amqp_bytes_t bytes, amqp_bytes_t raw) const;
    void read_headers(const amqp_table_t& table, amqp_bytes_t raw);

    std::size_t raw_bytes_;
    std::unique_ptr<Headers> kept_headers_;
};

}  // namespace rococo::messaging
