// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging {

/// Sends to SQS queues, given by name, URL or ARN. A queue given by name is created if it does not
/// exist and the settings allow it.
///
/// Messages of concurrent calls share batches of ten. Headers are sent as message attributes. On a
/// FIFO queue, the header `MessageGroupId` sets the group (without it, all messages share one), and
/// SQS deduplicates by the header `MessageDeduplicationId` or else the message's id. A batch for a
/// FIFO queue has at most one message per group, so that none can overtake a failed entry.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: clock and logger's sink must outlive it. Its thread starts with the first `send`.
/// **Errors**: configuration (unknown queue, missing permission, too large) or unavailable, after
/// the settings' `send_timeout`.
class SqsSender final : public MessageSender {
public:
    SqsSender(SqsSettings settings, const Clock& clock, RandomSource random = machine_random(),
              Logger logger = {});
    ~SqsSender() override;
    SqsSender(const SqsSender&) = delete;
    SqsSender& operator=(const SqsSender&) = delete;

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const OutgoingMessage> messages) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
