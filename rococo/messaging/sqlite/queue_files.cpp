// SPDX-License-Identifier: MIT
#include "queue_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::messaging::sqlite {
namespace {

namespace fs = std::filesystem;

fs::path resolved(const fs::path& path) {
    std::error_code error;
    if (!fs::is_symlink(path, error)) return path;
    auto target = fs::weakly_canonical(path, error);
    return error ? path : target;
}

ino_t inode_of(const fs::path& path) {
    struct stat status = {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

QueueFiles::QueueFiles(const fs::path& path) : path_(resolved(path)) {}

fs::path QueueFiles::beside(const char* suffix) const {
    auto other = path_;
    other += suffix;
    return other;
}

fs::path QueueFiles::folder() const { return path_.has_parent_path() ? path_.parent_path() : "."; }

Error QueueFiles::refusal(std::string_view why) const {
    return {ErrorKind::configuration,
            fmt::format("The queue file {} cannot be used: {}", path_.string(), why)};
}

Result<void> QueueFiles::make_folder() const {
    fs::path made;
    for (const auto& part : folder()) {
        made /= part;
        if (::mkdir(made.c_str(), 0700) == 0 || errno == EEXIST) continue;
        const int reason = errno;
        std::error_code ignored;
        if (fs::is_directory(made, ignored)) continue;  // One above, of a read-only file system.
        return failure(ErrorKind::configuration,
                       fmt::format("Cannot make the folder {} of the embedded queue: {}. Set "
                                   "SQLITE_PATH to a file in a folder that can be written.",
                                   folder().string(), std::strerror(reason)));
    }
    return {};
}

Result<bool> QueueFiles::exist() const {
    struct stat status = {};
    const bool there = ::stat(path_.c_str(), &status) == 0;
    if (!there && errno != ENOENT) return tl::unexpected(refusal(std::strerror(errno)));
    if (there && !S_ISREG(status.st_mode)) {
        return tl::unexpected(refusal("it is not a regular file."));
    }
    if (there && status.st_size > 0) return true;
    // SQLite would throw away a log whose database is empty.
    struct stat log = {};
    if (::stat(wal().c_str(), &log) == 0 && log.st_size > 0) {
        return tl::unexpected(
            refusal(fmt::format("it is {}, yet its log {} holds {} bytes, perhaps with messages. "
                                "Put the database back, or remove the log as well.",
                                there ? "empty" : "absent", wal().string(), log.st_size)));
    }
    return false;
}

Result<void> QueueFiles::require_folder() const {
    struct stat parent = {};
    if (::stat(folder().c_str(), &parent) != 0 || !S_ISDIR(parent.st_mode)) {
        return tl::unexpected(
            refusal(fmt::format("its directory {} does not exist. Create it, or choose another "
                                "path.",
                                folder().string())));
    }
    return {};
}

Result<void> QueueFiles::create() const {
    // An existing file is not opened, because closing it would release this process's locks.
    const FileDescriptor made(
        ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (made.is_open() || errno == EEXIST) return {};
    return tl::unexpected(refusal(fmt::format("it cannot be created: {}.", std::strerror(errno))));
}

Result<void> QueueFiles::sync_folder() const {
    const FileDescriptor descriptor(::open(folder().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // EINVAL: a file system without anything to sync there.
    if (descriptor.is_open() && (::fsync(descriptor.get()) == 0 || errno == EINVAL)) return {};
    return failure(ErrorKind::unavailable,
                   fmt::format("Cannot sync the directory {} of the queue file: {}.",
                               folder().string(), std::strerror(errno)));
}

void QueueFiles::remember() { inodes_ = {inode_of(path_), inode_of(wal()), inode_of(index())}; }

Result<void> QueueFiles::still_in_place() const {
    static constexpr std::array kSuffixes{"", "-wal", "-shm"};
    for (std::size_t i = 0; i < kSuffixes.size(); ++i) {
        if (inodes_[i] == 0) continue;
        const auto file = beside(kSuffixes[i]);
        struct stat status = {};
        const bool there = ::stat(file.c_str(), &status) == 0;
        if (there && status.st_ino == inodes_[i]) continue;
        if (!there && errno != ENOENT && errno != ENOTDIR) {
            // A right that was taken away may be given again.
            return failure(ErrorKind::unavailable,
                           fmt::format("The queue file {} cannot be looked at: {}.", file.string(),
                                       std::strerror(errno)));
        }
        return tl::unexpected(
            Error{ErrorKind::configuration,
                  fmt::format("The queue file {} was moved, removed or replaced while in use; what "
                              "is written now would be lost. Stop every process that uses the "
                              "queue before its files are touched.",
                              file.string())});
    }
    return {};
}

std::vector<std::string> QueueFiles::exposures() const {
    std::vector<std::string> found;
    struct stat status = {};
    if (::stat(folder().c_str(), &status) == 0 && (status.st_mode & S_IWOTH) != 0 &&
        (status.st_mode & S_ISVTX) == 0) {
        found.push_back(fmt::format(
            "Every user of this machine can write to the folder {} of the embedded queue, and so "
            "remove or replace its files: chmod o-w {}",
            folder().string(), folder().string()));
    }
    for (const auto& file : {path_, wal(), index(), lock()}) {
        if (::stat(file.c_str(), &status) != 0 || (status.st_mode & (S_IROTH | S_IWOTH)) == 0) {
            continue;
        }
        found.push_back(fmt::format(
            "Every user of this machine can {} the embedded queue's file {}: chmod o-rwx {}*",
            (status.st_mode & S_IWOTH) != 0 ? "write to" : "read the messages in", file.string(),
            path_.string()));
        break;  // The command is for all of them.
    }
    return found;
}

}  // namespace rococo::messaging::sqlite
