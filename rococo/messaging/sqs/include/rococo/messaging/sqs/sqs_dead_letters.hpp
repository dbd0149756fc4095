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
/// `<queue>-dead-letter`. Nothing is created; where there is no such queue there are none.
///
/// SQS shows messages only by receiving them: while one of these members runs they are hidden from
/// others, for a minute at most. `list` shows those that SQS hands out first, oldest first; the
/// count is SQS's own, approximate.
///
/// **Thread-safety**: one thread at a time.
/// **Errors**: configuration or unavailable; what was done before stays done.
class SqsDeadLetters final : public DeadLetterStore {
public:
    SqsDeadLetters(SqsSettings settings, std::string queue, const Clock& clock,
                   RandomBits random = machine_random(), Logger logger = {});
    ~SqsDeadLetters() override;
    SqsDeadLetters(const SqsDeadLetters&) = delete;
    SqsDeadLetters& operator=(const SqsDeadLetters&) = delete;

    [[nodiscard]] Result<std::vector<DeadLetter>> list(std::size_t limit) override;
    [[nodiscard]] Result<std::size_t> count() override;
    [[nodiscard]] Result<std::optional<DeadLetter>> find(std::string_view id) override;
    [[nodiscard]] Result<std::size_t> requeue(std::span<const std::string> ids) override;
    [[nodiscard]] Result<std::size_t> remove(std::span<const std::string> ids) override;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging
