// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>

#include "rococo/base/try.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/host/queue_kind.hpp"

namespace rococo::svchost {

/// Connects when a processor first sends. Most never do, and a cron service needs no broker at all.
///
/// **Thread-safety**: all members may be called from any thread.
class LazySender final : public messaging::MessageSender {
public:
    explicit LazySender(QueueKind& queue_kind) : queue_kind_(queue_kind) {}

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const messaging::OutgoingMessage> messages) override {
        ROCOCO_ASSIGN_OR_RETURN(auto* const sender, connected());
        return sender->send(queue, messages);
    }

private:
    [[nodiscard]] Result<messaging::MessageSender*> connected() {
        const std::scoped_lock lock(mutex_);
        if (sender_ == nullptr) {
            ROCOCO_ASSIGN_OR_RETURN(sender_, queue_kind_.sender());
        }
        return sender_.get();
    }

    QueueKind& queue_kind_;
    std::mutex mutex_;  // guards the creation of sender_
    std::unique_ptr<messaging::MessageSender> sender_;
};

}  // namespace rococo::svchost
