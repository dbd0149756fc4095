// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace rococo::messaging {

/// Where the embedded queue lives and how it behaves. The defaults suit; `path` must be set.
struct SqliteSettings {
    /// The database. Beside it appear `PATH-wal`, `PATH-shm` (SQLite's own) and `PATH-lock` (ours).
    /// Its directory must exist, be writable, and lie on a local file system.
    std::filesystem::path path;

    /// How long the messages in a host's hands stay its own when it neither ends nor gives a sign
    /// of life (a stopped process, a frozen machine). The end of a process is noticed within
    /// `death_check`, whatever the lease.
    std::chrono::milliseconds lease{60'000};

    /// How often a consumer looks whether others died. One second or less keeps an idle host under
    /// 0.1 % of a core.
    std::chrono::milliseconds death_check{500};

    /// How long an operation waits for its turn to write before it fails.
    std::chrono::milliseconds timeout{30'000};

    /// How long a consumer tries again to write its settlements when the disk is full or fails,
    /// before it gives up with an error. They are kept meanwhile; nothing new is taken.
    std::chrono::milliseconds give_up_after{60'000};

    /// The write-ahead log is copied into the database when it has grown past so many bytes.
    std::size_t wal_limit_bytes = std::size_t{16} << 20;

    /// No more messages are taken while the bodies in hand are larger than this together; one
    /// message is always taken, however large.
    std::size_t max_bytes_in_hand = std::size_t{64} << 20;
};

/// Sixty-four random bits a call: what message ids are made of. Called by one thread at a time.
using RandomSource = std::function<std::uint64_t()>;

/// What an opened queue file did so far, for tests and benchmarks.
struct SqliteStatistics {
    std::uint64_t transactions = 0;  ///< Write transactions committed, each one synced to the disk.
    std::uint64_t checkpoints = 0;   ///< Times the write-ahead log was copied into the database.
};

}  // namespace rococo::messaging
