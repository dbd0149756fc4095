// SPDX-License-Identifier: MIT
#include "lock_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "lock_holder.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {
namespace {

// Two bytes make the turn fair. Who has just written would, with one lock, take it again before
// anybody who waits wakes up; with two it must pass the door, where the next one stands already.
constexpr std::int64_t kDoor = 0;
constexpr std::int64_t kRoom = 1;
constexpr std::int64_t kConsumers = 1024;

/// Bits of those who may read the file and not write it.
mode_t idle_readers(mode_t mode) {
    mode_t idle = 0;
    if ((mode & S_IRGRP) != 0 && (mode & S_IWGRP) == 0) idle |= S_IRGRP;
    if ((mode & S_IROTH) != 0 && (mode & S_IWOTH) == 0) idle |= S_IROTH;
    return idle;
}

}  // namespace

LockFile::Turn::~Turn() {
    if (file_ != nullptr) file_->unlock_byte(kRoom);
}

Result<LockFile> LockFile::open(const std::filesystem::path& path) {
    FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.is_open()) {
        return failure(
            ErrorKind::configuration,
            fmt::format("The embedded queue needs the lock file {} and cannot open it: {}. Its "
                        "directory must exist and be writable.",
                        path.string(), std::strerror(errno)));
    }
    struct stat status = {};
    if (::fstat(file.get(), &status) == 0 && status.st_uid == ::geteuid() &&
        idle_readers(status.st_mode) != 0) {
        // Version 1.0.0 made it so. Where it fails, everything works as before.
        static_cast<void>(
            ::fchmod(file.get(), (status.st_mode & 07777) & ~idle_readers(status.st_mode)));
    }
    return LockFile(path, std::move(file));
}

Result<LockFile::Turn> LockFile::take_turn(std::chrono::milliseconds patience, const Clock& clock) {
    if (::getpid() != process_) {
        return failure(ErrorKind::internal,
                       fmt::format("The embedded queue of {} was opened by another process, which "
                                   "forked this one. A forked child must execute a program or open "
                                   "the queue anew.",
                                   path_.string()));
    }
    struct stat status = {};
    if (::fstat(file_.get(), &status) != 0) return tl::unexpected(system_error("examine"));
    if (status.st_nlink == 0) {
        return failure(ErrorKind::configuration,
                       fmt::format("The lock file {} was deleted while in use. Stop every process "
                                   "that uses the queue before its files are removed.",
                                   path_.string()));
    }
    const SteadyTime deadline = clock.steady_now() + patience;
    ROCOCO_TRY(lock_byte(kDoor, deadline, clock));
    auto room = lock_byte(kRoom, deadline, clock);
    unlock_byte(kDoor);
    if (!room) return tl::unexpected(room.error());
    return Turn(this);
}

Result<void> LockFile::hold_consumer(std::int64_t number) {
    auto lock = one_byte(F_WRLCK, kConsumers + number);
    if (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) return tl::unexpected(system_error("lock"));
    return {};
}

void LockFile::drop_consumer(std::int64_t number) { unlock_byte(kConsumers + number); }

bool LockFile::consumer_lives(std::int64_t number) const {
    auto lock = one_byte(F_WRLCK, kConsumers + number);
    // What cannot be asked is taken for alive: its lease still ends.
    return ::fcntl(file_.get(), F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

void LockFile::ring() const {
    // A watcher sees the closing, which the destructor does.
    const FileDescriptor bell(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
}

Result<void> LockFile::lock_byte(std::int64_t byte, SteadyTime deadline, const Clock& clock) const {
    // Polled, because a blocking lock has no deadline and a stopped process may hold it forever.
    using std::chrono::microseconds;
    constexpr microseconds kLongestPause{500};
    microseconds pause{20};
    while (true) {
        auto lock = one_byte(F_WRLCK, byte);
        if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) return {};
        if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
            return tl::unexpected(system_error("lock"));
        }
        if (clock.steady_now() >= deadline) return tl::unexpected(held_by_another(byte));
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, kLongestPause);
    }
}

void LockFile::unlock_byte(std::int64_t byte) const {
    auto lock = one_byte(F_UNLCK, byte);
    ::fcntl(file_.get(), F_OFD_SETLK, &lock);
}

Error LockFile::held_by_another(std::int64_t byte) const {
    return {ErrorKind::unavailable,
            fmt::format("The lock file {} stays locked by {}. While it is, nobody can write to the "
                        "queue. Let that process go on, or end it.",
                        path_.string(), lock_holder(file_.get(), byte))};
}

Error LockFile::system_error(const char* what) const {
    return {ErrorKind::unavailable, fmt::format("Cannot {} the lock file {}: {}.", what,
                                                path_.string(), std::strerror(errno))};
}

}  // namespace rococo::messaging::sqlite
