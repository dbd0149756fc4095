// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo::messaging::sqlite {

/// The files of one queue, as the file system has them: the database, SQLite's log and its index,
/// and the folder that they lie in.
///
/// **Thread-safety**: none; one thread at a time.
/// **Errors**: `configuration` where a person must do something, with the path.
class QueueFiles {
public:
    /// Where `path` is a symbolic link, the files beside its target are meant: everybody must find
    /// the same lock file, by whichever name.
    explicit QueueFiles(const std::filesystem::path& path);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::filesystem::path wal() const { return beside("-wal"); }
    [[nodiscard]] std::filesystem::path index() const { return beside("-shm"); }
    [[nodiscard]] std::filesystem::path lock() const { return beside("-lock"); }
    [[nodiscard]] std::filesystem::path folder() const;

    /// Makes the folder, and those above it, for this user alone. An existing one stays as it is.
    [[nodiscard]] Result<void> make_folder() const;
    /// Fails where there is no folder.
    [[nodiscard]] Result<void> require_folder() const;

    /// Whether there is a database with something in it. Fails where there is something else, or
    /// where a log lies there without its database. Found out with `stat` alone: closing a
    /// descriptor of a database would drop the locks that this process holds on it.
    [[nodiscard]] Result<bool> exist() const;

    /// Creates an empty database, accessible only to this user, if there is none. SQLite gives its
    /// log and index the same permissions. Call it while holding the write lock.
    [[nodiscard]] Result<void> create() const;

    /// Makes the file names as durable as their contents. Every opener does this, because the
    /// process that created the files may have died before doing so.
    [[nodiscard]] Result<void> sync_folder() const;

    /// Notes which files are in use now.
    void remember();
    /// Whether they are still in their places. Otherwise what is written would be lost: others
    /// would not see it, or see half of it.
    [[nodiscard]] Result<void> still_in_place() const;

    /// What others may do with the files and should not, a sentence each.
    [[nodiscard]] std::vector<std::string> exposures() const;

    /// That they cannot be used: the path, and why.
    [[nodiscard]] Error refusal(std::string_view why) const;

private:
    [[nodiscard]] std::filesystem::path beside(const char* suffix) const;

    std::filesystem::path path_;
    std::array<ino_t, 3> inodes_{};  ///< Of database, log and index; 0 where there was none.
};

}  // namespace rococo::messaging::sqlite
