// SPDX-License-Identifier: MIT
#include "text_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace rococo {
namespace {

/// A file descriptor that is closed at the end of its scope.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int number() const { return number_; }

private:
    int number_;
};

tl::unexpected<Error> unusable(const std::filesystem::path& file, std::string_view why) {
    return failure(ErrorKind::configuration, file.string() + ": " + std::string(why));
}

std::string_view kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device";
    return "no regular file";
}

tl::unexpected<Error> wrong_kind(const std::filesystem::path& file, mode_t mode) {
    return unusable(file,
                    "is " + std::string(kind_of(mode)) + "; expected a regular file in its place");
}

}  // namespace

Result<std::optional<std::string>> read_text_file(const std::filesystem::path& file) {
    // Without O_NONBLOCK, opening a FIFO waits for a writer for ever.
    const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (descriptor.number() < 0) {
        if (errno == ENOENT || errno == ENOTDIR) return std::optional<std::string>{};
        // open() answers ENXIO for a socket, which tells nobody anything.
        struct stat there {};
        const int open_error = errno;
        if (::stat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
            return wrong_kind(file, there.st_mode);
        }
        return unusable(file, "cannot be read: " + std::string(std::strerror(open_error)));
    }

    struct stat status {};
    if (::fstat(descriptor.number(), &status) != 0) {
        return unusable(file, "cannot be read: " + std::string(std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) return wrong_kind(file, status.st_mode);

    // The size may change while we read, and files under /proc have none: read until the end.
    std::string text;
    std::array<char, 16384> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    while (true) {
        const ssize_t count = ::read(descriptor.number(), buffer.data(), buffer.size());
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

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
    std::size_t i = 0;
    while (i < text.size()) {
        const std::uint8_t first = byte(i);
        if (first < 0x80) {
            ++i;
            continue;
        }
        // The second byte's range keeps out overlong forms, surrogates and what is past U+10FFFF.
        std::size_t length = 0;
        std::uint8_t low = 0x80;
        std::uint8_t high = 0xBF;
        if (first >= 0xC2 && first <= 0xDF) {
            length = 2;
        } else if (first >= 0xE0 && first <= 0xEF) {
            length = 3;
            if (first == 0xE0) low = 0xA0;
            if (first == 0xED) high = 0x9F;
        } else if (first >= 0xF0 && first <= 0xF4) {
            length = 4;
            if (first == 0xF0) low = 0x90;
            if (first == 0xF4) high = 0x8F;
        } else {
            return i;
        }
        if (text.size() - i < length || byte(i + 1) < low || byte(i + 1) > high) return i;
        for (std::size_t k = 2; k < length; ++k) {
            if ((byte(i + k) & 0xC0) != 0x80) return i;
        }
        i += length;
    }
    return std::nullopt;
}

}  // namespace rococo
