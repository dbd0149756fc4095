// SPDX-License-Identifier: MIT
#include "text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "rococo/base/file_descriptor.hpp"

namespace rococo {
namespace {

tl::unexpected<Error> unusable(const std::filesystem::path& file, std::string_view why) {
    return failure(ErrorKind::configuration, file.string() + ": " + std::string(why));
}

std::string_view kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "not a regular file";
}

tl::unexpected<Error> wrong_kind(const std::filesystem::path& file, mode_t mode) {
    return unusable(file, "is " + std::string(kind_of(mode)) + "; expected a regular file");
}

}  // namespace

Result<std::optional<std::string>> read_text_file(const std::filesystem::path& file) {
    // Without O_NONBLOCK, opening a FIFO blocks until there is a writer.
    const FileDescriptor descriptor(
        ::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!descriptor.is_open()) {
        if (errno == ENOENT || errno == ENOTDIR) {
            std::error_code error;
            if (std::filesystem::is_symlink(file, error))
                return unusable(file, "is a link to a file that does not exist");
            return std::optional<std::string>{};
        }
        // open() fails with ENXIO for a socket, which would be a puzzling message.
        struct stat there {};
        const int open_error = errno;
        if (::stat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
            return wrong_kind(file, there.st_mode);
        }
        return unusable(file, "cannot be read: " + std::string(std::strerror(open_error)));
    }

    struct stat status {};
    if (::fstat(descriptor.get(), &status) != 0) {
        return unusable(file, "cannot be read: " + std::string(std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) return wrong_kind(file, status.st_mode);

    // Read until the end: the size may change meanwhile, and files under /proc report none.
    std::string text;
    std::array<char, 16384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (true) {
        const ssize_t count = ::read(descriptor.get(), buffer.data(), buffer.size());
        if (count == 0) return text;
        if (count < 0) {
            if (errno == EINTR) continue;
            return unusable(file, "cannot be read: " + std::string(std::strerror(errno)));
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
        if (text.size() > kMaximumTextFileBytes) {
            return unusable(file, "is larger than 1 MiB; is it the right file?");
        }
    }
}

}  // namespace rococo
