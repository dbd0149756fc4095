// SPDX-License-Identifier: MIT
#include "rococo/base/private_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "rococo/base/file_descriptor.hpp"

namespace rococo {

namespace {

/// Writes all of it and waits until it is on disk. Returns 0, or the error number.
int write_synced(const std::filesystem::path& path, std::string_view text) {
    FileDescriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kPrivateFile));
    if (!file.is_open()) return errno;
    make_private(file.get());  // An earlier version may have left it readable.
    return write_all(file, text) && fsync(file.get()) == 0 && file.close() ? 0 : errno;
}

/// A rename is durable only once its folder is synced.
int sync_folder(const std::filesystem::path& folder) {
    const FileDescriptor descriptor(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return descriptor.is_open() && fsync(descriptor.get()) == 0 ? 0 : errno;
}

}  // namespace

tl::unexpected<Error> file_failure(std::string_view what, const std::filesystem::path& path,
                                   int error) {
    return failure(ErrorKind::unavailable,
                   fmt::format("{} {}: {}", what, path.string(), std::strerror(error)));
}

int make_private_folders(const std::filesystem::path& folder) {
    if (folder.empty()) return 0;
    struct stat status {};
    if (::stat(folder.c_str(), &status) == 0) return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
    if (errno != ENOENT) return errno;
    if (folder.has_relative_path()) {
        const auto above = folder.parent_path();
        if (above != folder) {
            if (const int error = make_private_folders(above); error != 0) return error;
        }
    }
    constexpr mode_t kPrivateFolder = 0700;
    // Another process may create it at the same moment.
    if (::mkdir(folder.c_str(), kPrivateFolder) == 0 || errno == EEXIST) return 0;
    return errno;
}

void make_private(int file) noexcept {
    struct stat status {};
    if (::fstat(file, &status) == 0 && (status.st_mode & 0077U) != 0)
        static_cast<void>(::fchmod(file, kPrivateFile));
}

int may_make_files_in(const std::filesystem::path& folder) {
    const std::filesystem::path here = folder.empty() ? "." : folder;
    struct stat status {};
    if (::stat(here.c_str(), &status) == 0) {
        if (!S_ISDIR(status.st_mode)) return ENOTDIR;
        return ::faccessat(AT_FDCWD, here.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? 0 : errno;
    }
    if (errno != ENOENT || here == here.parent_path()) return errno;
    return may_make_files_in(here.parent_path());
}

int replace_file(const std::filesystem::path& path, std::string_view text) {
    std::filesystem::path fresh = path;
    fresh += ".new";
    if (const int error = write_synced(fresh, text); error != 0) {
        std::error_code ignored;
        std::filesystem::remove(fresh, ignored);
        return error;
    }
    if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno;
    return sync_folder(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace rococo
