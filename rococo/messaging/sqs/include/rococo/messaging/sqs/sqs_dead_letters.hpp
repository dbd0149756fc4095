// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging {

/// The dead letters of an SQS queue: those in the target of its redrive policy, else in
/// `<queue>-dead-letter`. Nothing is created; without such a queue there are no dead letters.
///
/// Each call handles only the letters that exist when it starts, each once. Later arrivals are left
/// alone, such as requeued messages that a running host has just given up on again.
///
/// SQS messages can only be inspected by receiving them, so during a call they are hidden from
/// others, for at most a minute. `list` returns those that SQS delivers first, sorted oldest first.
/// The count is SQS's approximate number.
///
/// **Thread-safety**: use it from one thread at a time.
/// **Errors**: configuration or unavailable; work already done is not undone.
class SqsDeadLetters final : public DeadLetterStore {
public:
    SqsDeadLetters(SqsSettings settings, std::string queue, const Clock& clock,
                   RandomSource random = machine_random(), Logger logger = {});
    ~SqsDeadLetters() override;
    SqsDeadLetters(const SqsDeadLetters&) = delete;
    SqsDeadLetters& operator=(const SqsDeadLetters&) = delete;

    [[nodiscard]] Result<std::vector<DeadLetter>> list(std::size_t limit) override;
    [[nodiscard]] Result<std::vector<DeadLetter>> summaries(std::size_t limit) override;
    [[nodiscard]] Result<std::size_t> count() override;
    [[nodiscard]] Result<std::optional<DeadLetter>> find(std::string_view id) override;
    [[nodiscard]] Result<std::size_t> requeue(std::span<const std::string> ids) override;
    [[nodiscard]] Result<std::string> edit_and_requeue(std::string_view id,
                                                       std::string_view body) override;
    [[nodiscard]] Result<std::size_t> remove(std::span<const std::string> ids) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
