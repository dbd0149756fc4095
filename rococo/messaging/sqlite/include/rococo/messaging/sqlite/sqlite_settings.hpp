// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>

namespace rococo::messaging {

/// The location and behaviour of the embedded queue. Only `path` must be set.
struct SqliteSettings {
    /// The database file. SQLite creates `PATH-wal` and `PATH-shm` beside it, and this library
    /// `PATH-lock`. Its directory must exist, be writable, and be on a local file system.
    std::filesystem::path path;

    /// Whether to create a missing directory on opening, accessible only to this user.
    bool make_folder = false;

    /// How long a host keeps its messages while it shows no sign of life but has not died (a
    /// stopped process). Another host must have observed its silence for this long. A process's
    /// death is noticed within `death_check`, whatever the lease.
    std::chrono::milliseconds lease{60'000};

    /// How often a consumer checks whether other hosts have died. At one second, an idle host uses
    /// less than 0.1 % of a core.
    std::chrono::milliseconds death_check{500};

    /// How long an operation waits for the write lock before it fails.
    std::chrono::milliseconds timeout{30'000};

    /// The write-ahead log is copied into the database when it exceeds this many bytes.
    std::size_t wal_limit_bytes = std::size_t{16} << 20;

    /// The limit on unsettled bytes if `SqliteConnection::limit` sets none.
    std::size_t max_bytes_in_hand = std::size_t{64} << 20;
};

/// Statistics of an open queue file, for tests and benchmarks.
struct SqliteStatistics {
    std::uint64_t transactions = 0;  ///< Committed write transactions, each synced to disk.
    std::uint64_t checkpoints = 0;  ///< How often the write-ahead log was copied into the database.
};

}  // namespace rococo::messaging
