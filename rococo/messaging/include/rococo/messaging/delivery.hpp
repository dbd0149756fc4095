// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// One header of a delivery. Values of other types are converted to text: numbers in decimal,
/// tables and arrays as JSON.
struct HeaderView {
    std::string_view name;
    std::string_view value;
};

/// One message received from a queue and not yet settled.
///
/// Adapters derive from this. The derived class owns the memory behind the views and stores what
/// the adapter needs to settle the message (a tag, a receipt handle, a row). The views are valid
/// for the life of the delivery.
///
/// **Thread-safety**: immutable once it has left the adapter. The dispatcher's thread receives it
/// and a worker reads it.
class Delivery {
public:
    virtual ~Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    std::string_view body;                 ///< The bytes as sent; any content, may be empty.
    std::string_view id;                   ///< The message's id; empty if the sender set none.
    std::string_view queue;                ///< The queue that it was first sent to.
    std::string_view content_type;         ///< Empty if the sender set none.
    std::string_view correlation_id;       ///< Empty if the sender set none.
    std::string_view content_encoding;     ///< Such as `gzip`; empty if there is none.
    std::string_view reply_to;             ///< Empty if the sender set none.
    std::string_view type;                 ///< Empty if the sender set none.
    std::string_view app_id;               ///< Empty if the sender set none.
    std::optional<std::uint8_t> priority;  ///< None where the sender gave none.
    std::span<const HeaderView> headers;   ///< Excludes the host's own `x-rococo-…` headers.
    /// When it was sent first, to the millisecond if the sender was a host; the epoch if unknown.
    /// Retries and requeued dead letters keep it.
    SystemTime sent_at{};

    /// Identifies it in events. Assigned by its adapter, never zero, unique among that adapter's
    /// deliveries.
    std::uint64_t number = 0;

    /// The number of this attempt, starting at 1, as far as the queue knows. The runtime adds
    /// attempts that crashed the host and that the queue did not count.
    std::uint32_t attempt = 1;

    /// Whether, according to the queue, it was delivered before and returned unsettled. It may have
    /// crashed the host that had it.
    bool redelivered = false;

    /// Whether `attempt` already includes attempts that ended in a crash (SQS counts receives).
    bool attempt_counts_crashes = false;

protected:
    Delivery() = default;
};

}  // namespace rococo::messaging
