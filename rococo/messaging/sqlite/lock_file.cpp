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

namespace rococo::messaging::sqlite {
namespace {

// Two bytes make the turn fair. Who has just written would, with one lock, take it again before
// anybody who waits wakes up; with two it must pass the door, where the next one stands already.
constexpr std::int64_t kDoor = 0;
constexpr std::int64_t kRoom = 1;
constexpr std::int64_t kConsumers = 1024;

struct flock one_byte(short type, std::int64_t byte) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

}  // namespace

Descriptor::~Descriptor() {
    if (number_ >= 0) ::close(number_);
}

LockFile::Turn::~Turn() {
    if (file_ != nullptr) file_->unlock_byte(kRoom);
}

Result<LockFile> LockFile::open(const std::filesystem::path& path) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (!file.valid()) {
        return failure(
            ErrorKind::configuration,
            fmt::format("The embedded queue needs the lock file {} and cannot open it: {}. Its "
                        "directory must exist and be writable.",
                        path.string(), std::strerror(errno)));
    }
    return LockFile(path, std::move(file));
}

Result<LockFile::Turn> LockFile::take_turn(std::chrono::milliseconds patience, const Clock& clock) {
    struct stat status = {};
    if (::fstat(file_.get(), &status) != 0) return tl::unexpected(system_error("examine"));
    if (status.st_nlink == 0) {
        return failure(ErrorKind::configuration,
                       fmt::format("The lock file {} was deleted while in use. Stop every process "
                                   "that uses the queue before its files are removed.",
                                   path_.string()));
    }
    const SteadyTime deadline = clock.steady_now() + patience;
    if (auto door = lock_byte(kDoor, deadline, clock); !door) return tl::unexpected(door.error());
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
    const Descriptor bell(::open(path_.c_str(), O_WRONLY | O_CLOEXEC));
}

Result<void> LockFile::lock_byte(std::int64_t byte, SteadyTime deadline, const Clock& clock) const {
    // Polled, since a blocking lock knows no deadline and a stopped process may hold it for ever.
    using std::chrono::microseconds;
    constexpr microseconds kLongestPause{500};
    microseconds pause{20};
    while (true) {
        auto lock = one_byte(F_WRLCK, byte);
        if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) return {};
        if (errno != EAGAIN && errno != EACCES && errno != EINTR) {
            return tl::unexpected(system_error("lock"));
        }
        if (clock.steady_now() >= deadline) {
            return failure(ErrorKind::unavailable,
                           fmt::format("Another process holds the lock file {} and does not let "
                                       "go of it. `fuser -v {}` names those that have it open; "
                                       "look for one that is stopped.",
                                       path_.string(), path_.string()));
        }
        std::this_thread::sleep_for(pause);
        pause = std::min(pause * 2, kLongestPause);
    }
}

void LockFile::unlock_byte(std::int64_t byte) const {
    auto lock = one_byte(F_UNLCK, byte);
    ::fcntl(file_.get(), F_OFD_SETLK, &lock);
}

Error LockFile::system_error(const char* what) const {
    return {ErrorKind::unavailable, fmt::format("Cannot {} the lock file {}: {}.", what,
                                                path_.string(), std::strerror(errno))};
}

}  // namespace rococo::messaging::sqlite
