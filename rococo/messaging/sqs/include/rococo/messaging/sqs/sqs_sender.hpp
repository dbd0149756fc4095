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

/// Sends to SQS queues, given by name, URL or ARN; one given by name is created where it is absent
/// and the settings allow it.
///
/// Messages of calls at the same time share batches of ten. Headers travel as message attributes;
/// on a FIFO queue `MessageGroupId` chooses the group (one group for all without it) and
/// `MessageDeduplicationId`, else the message's id, is what SQS recognises a repetition by. A FIFO
/// queue takes one message of a group per batch, so that a failed entry cannot be overtaken.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: clock and logger's sink outlive it. Its thread starts with the first `send`.
/// **Errors**: configuration (unknown queue, missing permission, too large) or unavailable, after
/// `send_timeout` of the settings.
class SqsSender final : public MessageSender {
public:
    SqsSender(SqsSettings settings, const Clock& clock, RandomBits random = machine_random(),
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
