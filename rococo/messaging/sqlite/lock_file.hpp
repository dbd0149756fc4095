// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "rococo/base/clock.hpp"
#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/forked_child.hpp"
#include "rococo/base/result.hpp"

namespace rococo::messaging::sqlite {

/// The file beside the database that all who use it agree through. Nothing is ever written to it:
/// its locks and its closings are the message.
///
/// - Bytes 0 and 1 are the *turn* to write (below).
/// - Byte `kConsumers + N` is locked by consumer N for as long as it lives: a free byte means that
///   it died, however it died, and in whichever container on this kernel.
/// - Whoever has news opens and closes it for writing (`ring`): watchers get IN_CLOSE_WRITE, also
///   when a process that had it open dies, and nothing has to fit on a full disk.
///
/// The locks are open-file-description locks: they belong to this object, not to the process, so
/// that several connections of one process exclude each other as well. A child that a service forks
/// would keep them after its parent's death, so its copies are closed (`ClosedInForkedChild`).
///
/// Who may open the file may lock it, even for reading only, so it is its owner's alone (0600).
///
/// **Thread-safety**: `ring` and `consumer_lives` from any thread; the rest by one at a time.
class LockFile {
public:
    /// The right to write to the database, given back by the destructor.
    class Turn {
    public:
        ~Turn();
        Turn(Turn&& other) noexcept : file_(std::exchange(other.file_, nullptr)) {}

    private:
        friend class LockFile;
        explicit Turn(const LockFile* file) : file_(file) {}
        const LockFile* file_;
    };

    /// Opens the file at `path`, creating it if it does not exist, accessible only to this user. On
    /// an existing file, read permission is removed from those without write permission, because
    /// its only use is to lock the file.
    [[nodiscard]] static Result<LockFile> open(const std::filesystem::path& path);

    /// Waits for the turn to write. `unavailable` when it does not come within `patience`.
    [[nodiscard]] Result<Turn> take_turn(std::chrono::milliseconds patience, const Clock& clock);

    /// Shows the others that consumer `number` lives, until `drop_consumer` or the destructor.
    [[nodiscard]] Result<void> hold_consumer(std::int64_t number);
    void drop_consumer(std::int64_t number);
    /// Whether another holder of this file lives as consumer `number`.
    [[nodiscard]] bool consumer_lives(std::int64_t number) const;

    /// Wakes every consumer that waits for news.
    void ring() const;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

private:
    LockFile(std::filesystem::path path, FileDescriptor file)
        : path_(std::move(path)), file_(std::move(file)), not_in_children_(file_.get()) {}

    [[nodiscard]] Result<void> lock_byte(std::int64_t byte, SteadyTime deadline,
                                         const Clock& clock) const;
    void unlock_byte(std::int64_t byte) const;
    [[nodiscard]] Error system_error(const char* what) const;
    [[nodiscard]] Error held_by_another(std::int64_t byte) const;

    std::filesystem::path path_;
    FileDescriptor file_;
    ClosedInForkedChild not_in_children_;
    pid_t process_ = ::getpid();
};

}  // namespace rococo::messaging::sqlite
