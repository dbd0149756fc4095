// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string_view>

#include "rococo/base/result.hpp"
#include "rococo/messaging/delivery.hpp"

namespace rococo::svchost {

/// What identifies a message across deliveries: a hash of its queue, its id and the beginning of
/// its body, or of the whole body where it has no id.
using MessageIdentity = std::uint64_t;

[[nodiscard]] MessageIdentity identify(const messaging::Delivery& delivery);

/// Remembers which messages were being processed when a host died, and how often that happened to
/// each: a message that kills its host every time must end as a dead letter, not in a crash loop.
///
/// Each host keeps a small memory-mapped file with the identities of the messages that its workers
/// have in hand. Writing one costs a few nanoseconds and no system call; the kernel keeps the pages
/// when the process dies (not when the machine does: then nothing is charged). The file's lock
/// falls with its owner, so others can tell the dead from the living, and move a dead host's notes
/// into the ledger beside them.
///
/// **Thread-safety**: `begin` and `end` by each worker for its own number; all else by the
/// dispatcher's thread.
/// **Errors**: without a folder to write to it cannot remember; `open` says why, and the host goes
/// on with what the queue itself counts.
class CrashNotes {
public:
    /// Opens the notes of one queue in `folder` (made if absent) for `workers` workers that hold up
    /// to `max_batch` messages each, and takes in what dead hosts left.
    [[nodiscard]] static Result<std::unique_ptr<CrashNotes>> open(
        const std::filesystem::path& folder, std::string_view queue, std::size_t workers,
        std::size_t max_batch);

    ~CrashNotes();
    CrashNotes(const CrashNotes&) = delete;
    CrashNotes& operator=(const CrashNotes&) = delete;

    /// Notes that a worker is about to process these messages.
    void begin(std::size_t worker, std::span<const MessageIdentity> messages) noexcept;
    /// Notes that the worker has nothing in hand any more.
    void end(std::size_t worker) noexcept;

    /// How often a host died with this message in hand. Costs nothing while nobody has crashed.
    [[nodiscard]] std::uint32_t crashes(MessageIdentity message) const;

    /// Looks again for hosts that died since: worth it when a message was redelivered.
    void take_in_the_dead();

    /// Removes this host's file while its workers still run: the process is about to be ended on
    /// purpose, and what they have in hand is not to blame.
    void discard() noexcept;

    /// Forgets a message: it was settled.
    void forget(MessageIdentity message);

private:
    struct Region;  // the mapped file

    CrashNotes(std::filesystem::path folder, std::unique_ptr<Region> region);

    void take_in_the_dead_locked();
    void save_ledger() const;
    void load_ledger();

    std::filesystem::path folder_;
    std::unique_ptr<Region> region_;
    std::map<MessageIdentity, std::uint32_t> ledger_;
};

}  // namespace rococo::svchost
