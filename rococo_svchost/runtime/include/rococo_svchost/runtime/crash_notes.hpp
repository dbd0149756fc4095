// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo_svchost/runtime/crash_records.hpp"

namespace rococo::svchost {

struct DeadHost;

/// Remembers which messages were being processed when a host died, and which of them it died of: a
/// message that kills its host every time must end as a dead letter, not in a crash loop, and none
/// may be charged for another's doing.
///
/// Each host keeps a small memory-mapped file with what its workers have in hand. Writing a note
/// costs a few nanoseconds and no system call; the kernel keeps the pages when the process dies
/// (not when the machine does: then nothing is charged). The file's lock falls with its owner, so
/// others can tell the dead from the living, and move a dead host's notes into the ledger beside
/// them. `Inquest` has the rules.
///
/// **Thread-safety**: `begin` and `end` by each worker for its own number; `blame` and
/// `ending_on_purpose` by any thread or signal handler; all else by the dispatcher's thread.
/// **Errors**: without a folder to write to it cannot remember; `open` says why, and the host goes
/// on without.
class CrashNotes : public CrashRecords {
public:
    struct Settings {
        std::size_t workers = 1;
        std::size_t max_batch = 1;  ///< Messages that a worker holds at once.
    };

    /// Opens the notes of one queue in `folder` (made if absent), and takes in what dead hosts
    /// left, each death with a line in the log. The clock outlives it.
    [[nodiscard]] static Result<std::unique_ptr<CrashNotes>> open(
        const std::filesystem::path& folder, std::string_view queue, const Settings& settings,
        const Clock& clock, const Logger& logger);

    ~CrashNotes() override;
    CrashNotes(const CrashNotes&) = delete;
    CrashNotes& operator=(const CrashNotes&) = delete;

    /// Notes that a worker is about to process these messages. `deliveries`, at the same places,
    /// name them for people; may be empty.
    void begin(std::size_t worker, std::span<const MessageIdentity> messages,
               std::span<const messaging::Delivery* const> deliveries = {}) noexcept;
    /// Notes that the worker has nothing in hand any more.
    void end(std::size_t worker) noexcept;

    /// Keeps the page of the worker's processor, a file without a name that begins with a
    /// `WorkPage`, beside the notes: after our death it says which of the noted messages were
    /// begun. Where that cannot be done, all of them count as begun.
    void keep_page(std::size_t worker, int page) noexcept;

    /// Notes that the process dies of what this worker does; `signal` is 0 where it called `exit`.
    /// The first one counts. Async-signal-safe.
    void blame(std::size_t worker, int signal) noexcept;

    /// Notes that the process is about to end whatever its workers do: what they have in hand from
    /// now on is not to blame, unless it is named. Async-signal-safe.
    void ending_on_purpose() noexcept;

    /// Copies the name of what the worker has in hand to `name`, printable characters only; returns
    /// its length. Async-signal-safe.
    std::size_t name_in_hand(std::size_t worker, std::span<char> name) const noexcept;

    [[nodiscard]] Record record(MessageIdentity message) const override;
    void take_in_the_dead() override;
    void forget(MessageIdentity message) override;

    /// Removes this host's file while its workers still run.
    void discard() noexcept;

private:
    struct Region;  // the mapped file
    class Ledger;

    CrashNotes(std::filesystem::path folder, std::unique_ptr<Region> region, const Clock& clock,
               const Logger& logger);

    void take_in_the_dead_locked();
    void take_in(const DeadHost& dead);

    std::filesystem::path folder_;
    std::unique_ptr<Region> region_;
    std::unique_ptr<Ledger> ledger_;
    const Clock& clock_;
    const Logger logger_;
};

}  // namespace rococo::svchost
