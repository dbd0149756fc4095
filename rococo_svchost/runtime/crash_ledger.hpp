// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/runtime/crash_notes.hpp"

namespace rococo::svchost {

/// The file in which crashes are added up: a line for each message, `IDENTITY CRASHES SUSPECT TIME
/// ATTEMPT` with SUSPECT 0, 1 or 2 (alone), the time of the last change in seconds of the epoch,
/// and the ATTEMPT of the delivery that crashed last, as the queue counted. Version 1.0.0 wrote the
/// first two, 1.1.0 the first four.
///
/// Bounded: messages that never came back (another host's, deleted ones) go after two weeks, and
/// the oldest beyond ten thousand.
///
/// **Thread-safety**: none; whoever loads or saves holds the folder's lock.
class CrashNotes::Ledger {
public:
    explicit Ledger(std::filesystem::path folder) : folder_(std::move(folder)) {}

    void load(SystemTime now);
    void save() const;

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] Record find(MessageIdentity message) const;
    /// Whether there was anything to erase.
    bool erase(MessageIdentity message) { return entries_.erase(message) > 0; }

    /// `attempt`: what the queue counts on the delivery that crashed; 0: not known.
    void charge(MessageIdentity message, std::uint32_t attempt, SystemTime now);
    void suspect(MessageIdentity message, bool alone, SystemTime now);

private:
    struct Entry {
        std::uint32_t crashes = 0;
        std::uint32_t suspect = 0;
        std::int64_t seconds = 0;
        std::uint32_t attempt = 0;
    };

    void drop_the_old(std::int64_t now);
    Entry& entry(MessageIdentity message, SystemTime now);

    std::filesystem::path folder_;
    std::map<MessageIdentity, Entry> entries_;
};

}  // namespace rococo::svchost
