// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::messaging::sqs {

/// A queue as the user names it: by name, URL or ARN.
struct QueueAddress {
    std::string name;
    std::string url;     ///< Given by URL only.
    std::string owner;   ///< The account, 12 digits; empty for our own.
    std::string region;  ///< Empty where the address does not say.

    [[nodiscard]] bool by_name() const { return url.empty() && owner.empty(); }
};

/// Understands `orders`, `https://sqs.eu-central-1.amazonaws.com/123456789012/orders` and
/// `arn:aws:sqs:eu-central-1:123456789012:orders`.
/// **Errors**: configuration, with what a name may look like (1 to 80 of A-Z a-z 0-9 _ -, and
/// `.fifo` at the end of a FIFO queue's).
[[nodiscard]] Result<QueueAddress> parse_queue_address(std::string_view text);

/// The name of a queue's dead-letter queue: `orders-dead-letter`, `orders-dead-letter.fifo`.
[[nodiscard]] std::string dead_letter_name(std::string_view queue_name);

}  // namespace rococo::messaging::sqs
