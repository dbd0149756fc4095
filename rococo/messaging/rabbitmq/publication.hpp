// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "message_copy.hpp"
#include "queue_declaration.hpp"
#include "rococo/base/result.hpp"

namespace rococo::messaging {

/// One message to publish, and what becomes of it. The members are called by the publisher's
/// thread.
class Publication {
public:
    virtual ~Publication() = default;
    Publication(const Publication&) = delete;
    Publication& operator=(const Publication&) = delete;

    /// Whether it is still to be published; asked before each try.
    [[nodiscard]] virtual bool wanted() const = 0;
    /// The broker has it, in its queue. The last call.
    virtual void confirmed() = 0;
    /// A try failed, or the connection. True asks for another try; false makes this the last call.
    /// The error is of kind usage where the broker refuses this very message, which the next try
    /// will hardly change.
    [[nodiscard]] virtual bool failed(const Error& error) = 0;

    /// Declared before, if need be; reached by the default exchange. Of a delay queue that refuses
    /// messages, the publisher makes one with a longer delay.
    QueueSpec queue;
    std::unique_ptr<MessageCopy> message;

protected:
    Publication() = default;
};

}  // namespace rococo::messaging
