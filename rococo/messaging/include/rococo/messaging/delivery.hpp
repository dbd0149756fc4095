// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// One header of a message in hand. A value that is not text in the queue's own types (a number, a
/// table) is rendered as text: numbers in decimal, tables and arrays as JSON.
struct HeaderView {
    std::string_view name;
    std::string_view value;
};

/// One message handed over by a queue and not yet settled.
///
/// Adapters derive from it and own the memory that the views point into; what an adapter needs to
/// settle the message (a tag, a receipt handle, a row) lives in the derived class. The views are
/// valid as long as the delivery is.
///
/// **Thread-safety**: immutable after it left the adapter; a worker reads what the dispatcher's
/// thread received.
class Delivery {
public:
    virtual ~Delivery() = default;
    Delivery(const Delivery&) = delete;
    Delivery& operator=(const Delivery&) = delete;

    std::string_view body;            ///< The bytes as sent, of any kind and size, empty included.
    std::string_view id;              ///< The message's id; empty where the sender gave none.
    std::string_view queue;           ///< The queue that it was first sent to.
    std::string_view content_type;    ///< Empty where the sender gave none.
    std::string_view correlation_id;  ///< Empty where the sender gave none.
    std::span<const HeaderView> headers;  ///< Without the host's own `x-rococo-…` headers.
    SystemTime sent_at{};                 ///< When it was sent; the epoch where nobody knows.

    /// Which attempt this is, as far as the queue can tell: 1 at first. Attempts that ended in a
    /// crash of the host and that the queue did not see are added by the runtime.
    std::uint32_t attempt = 1;

    /// Whether the queue says that it was handed out before and came back unsettled: the host that
    /// had it may have crashed over it.
    bool redelivered = false;

    /// Whether `attempt` has those that ended in a crash in it already (SQS counts receives).
    bool attempt_counts_crashes = false;

protected:
    Delivery() = default;
};

}  // namespace rococo::messaging
