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

/// A delivery from RabbitMQ. The object, the properties in wire format, the queue's name and the
/// body share one allocation: a message costs one `malloc` and one copy out of the socket's buffer.
/// Only bodies above one MiB have separate memory, which grows as the body arrives, because the
/// announced size is not trusted.
///
/// **Ownership**: created with `create`, destroyed through `Delivery`.
class RabbitMqDelivery final : public Delivery {
public:
    /// Attempts beyond this are not believed: they come from a forged header.
    static constexpr std::int64_t kMostAttempts = 1'000'000;

    /// The largest body that RabbitMQ can be set up to take (its `max_message_size`).
    static constexpr std::uint64_t kMostBodyBytes = 512ULL << 20U;

    /// From a content header frame, whose memory is copied. The body's bytes, `kMostBodyBytes` at
    /// most, are still to be appended.
    [[nodiscard]] static std::unique_ptr<RabbitMqDelivery> create(
        amqp_bytes_t raw_properties, const amqp_basic_properties_t& properties,
        std::size_t body_bytes, std::string_view queue_name);

    ~RabbitMqDelivery() override = default;

    /// Appends a part of the body as it arrives. False where it is more than was announced.
    [[nodiscard]] bool append(std::string_view part);
    /// Whether all of the body is there.
    [[nodiscard]] bool complete() const { return body.size() == announced_bytes_; }
    /// What it takes up in memory, about.
    [[nodiscard]] std::size_t bytes() const { return sizeof *this + raw_bytes_ + announced_bytes_; }
    /// The properties as they were on the wire.
    [[nodiscard]] std::string_view raw_properties() const { return {storage(), raw_bytes_}; }

    std::uint64_t tag = 0;    ///< Valid on the channel of `epoch` only.
    std::uint64_t epoch = 0;  ///< Which connection it came by.
    /// How often it was returned unsettled, as counted by quorum queues. They drop the message
    /// after a limit (20 in RabbitMQ 4, or a policy's).
    std::uint32_t returns = 0;

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
    [[nodiscard]] std::string_view rebased(std::string_view text, amqp_bytes_t raw) const;
    void read_headers(const amqp_table_t& table, amqp_bytes_t raw);
    /// Attempts, returns, and when it was sent. Returns whether it is a copy made for a retry.
    [[nodiscard]] bool read_own_headers(const amqp_table_t& table);

    std::size_t raw_bytes_;
    std::size_t announced_bytes_ = 0;
    std::string large_body_;
    std::unique_ptr<Headers> kept_headers_;
};

}  // namespace rococo::messaging
