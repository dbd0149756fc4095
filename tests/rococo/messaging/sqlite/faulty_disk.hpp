// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

struct sqlite3_vfs;

namespace rococo::messaging::testing {

/// A disk under SQLite that fails as disks do: a file system of its own (`sqlite3_vfs`) over the
/// machine's, SQLite's default while it lives. It knows of every file what is safe on the disk (as
/// of its last sync) and what is merely written, and counts operations: writes, truncations, syncs.
///
/// - `power_off`: what is merely written is there in any part, sector by sector, in any order.
/// - `fail`: an operation fails as with EIO. A failed write may have written its first half; after
/// a
///   failed sync the kernel holds the pages for clean, so what was to be synced never will be.
/// - `set_room`: what does not fit fails as with ENOSPC.
///
/// The index of the log (`-shm`) is memory and is not on this disk. Nothing is really synced.
///
/// **Thread-safety**: as SQLite's file systems: any thread. One object at a time.
class FaultyDisk {
public:
    FaultyDisk();
    ~FaultyDisk();
    FaultyDisk(const FaultyDisk&) = delete;
    FaultyDisk& operator=(const FaultyDisk&) = delete;

    [[nodiscard]] std::uint64_t operations() const { return operations_; }

    enum class Times { once, from_then_on };
    /// Lets the operation of that number (from 1) fail, or all from it on.
    void fail(std::uint64_t operation, Times times) {
        fail_at_ = operation;
        times_ = times;
    }
    /// Nothing fails any more.
    void mend() { fail_at_ = 0; }

    /// Before the operation of that number the power goes; see `power_off`.
    void power_off_before(std::uint64_t operation, std::filesystem::path remains, unsigned seed);
    /// Writes what the disk holds into the directory `remains`; all later operations fail.
    void power_off(const std::filesystem::path& remains, unsigned seed);
    [[nodiscard]] bool is_off() const { return off_; }

    /// Bytes that all files together may have; none for as many as there is room for below.
    void set_room(std::optional<std::uint64_t> bytes) { room_ = bytes; }

private:
    friend struct FaultyDiskMethods;

    /// A write, or where it has no bytes a truncation to `offset`.
    struct Change {
        std::uint64_t offset;
        std::string bytes;
        bool truncates;
    };
    struct File {
        std::string safe;
        std::vector<Change> pending;
        std::uint64_t size = 0;  ///< As it is to be seen now.
        bool name_is_safe = false;
    };

    /// Counts one operation; whether it fails.
    [[nodiscard]] bool step();
    [[nodiscard]] bool fits(const File& file, std::uint64_t end) const;
    void track(const std::string& path);
    void sync(File& file);
    void lose_sync(File& file);
    void remove(const std::string& path, bool synced);
    void sync_names();
    void tear(File& file, double share);

    sqlite3_vfs* below_;
    sqlite3_vfs* own_;
    std::mutex mutex_;
    std::map<std::string, File> files_;
    std::map<std::string, File> removed_;  ///< Their names may still be on the disk.
    std::uint64_t operations_ = 0;
    std::uint64_t fail_at_ = 0;
    Times times_ = Times::once;
    std::uint64_t off_before_ = 0;
    bool off_ = false;
    std::filesystem::path remains_;
    std::mt19937 random_{1};
    std::optional<std::uint64_t> room_;
};

}  // namespace rococo::messaging::testing
