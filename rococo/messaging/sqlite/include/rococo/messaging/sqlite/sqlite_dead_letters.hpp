// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/base/random.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/sqlite/sqlite_settings.hpp"

namespace rococo::messaging {

/// The dead letters of one queue of an embedded queue file: the messages of `QUEUE.dead-letter`.
/// Requeueing, editing and removing each take one transaction, however many letters there are.
///
/// **Thread-safety**: none; use it from one thread at a time.
/// **Ownership**: the clock must outlive the store.
/// **Errors**: like `SqliteConnection::open`, but a missing file is also an error.
class SqliteDeadLetters final : public DeadLetterStore {
public:
    /// Opens the file. A queue that does not exist has no dead letters. New ids come from `random`.
    [[nodiscard]] static Result<std::unique_ptr<SqliteDeadLetters>> open(
        const SqliteSettings& settings, std::string queue, const Clock& clock,
        RandomSource random = machine_random());
    ~SqliteDeadLetters() override;
    SqliteDeadLetters(const SqliteDeadLetters&) = delete;
    SqliteDeadLetters& operator=(const SqliteDeadLetters&) = delete;

    [[nodiscard]] Result<std::vector<DeadLetter>> list(std::size_t limit) override;
    [[nodiscard]] Result<std::vector<DeadLetter>> summaries(std::size_t limit) override;
    [[nodiscard]] Result<std::size_t> count() override;
    [[nodiscard]] Result<std::optional<DeadLetter>> find(std::string_view id) override;
    [[nodiscard]] Result<std::size_t> requeue(std::span<const std::string> ids) override;
    [[nodiscard]] Result<std::string> edit_and_requeue(std::string_view id,
                                                       std::string_view body) override;
    [[nodiscard]] Result<std::size_t> remove(std::span<const std::string> ids) override;

private:
    class Letters;
    explicit SqliteDeadLetters(std::unique_ptr<Letters> letters);
    std::unique_ptr<Letters> letters_;
};

}  // namespace rococo::messaging
