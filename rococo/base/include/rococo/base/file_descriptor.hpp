// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

namespace rococo {

/// A file descriptor that closes itself, and with it drops its locks.
class FileDescriptor {
public:
    FileDescriptor() = default;
    /// Takes over a descriptor; a negative one stands for none, as `open` returns it.
    explicit FileDescriptor(int number) noexcept : number_(number) {}
    ~FileDescriptor() { close(); }
    FileDescriptor(FileDescriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }

    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

    /// Closes it now. False, with the reason in `errno`, if the file system reports only now that
    /// it could not write everything.
    bool close() noexcept {
        const int number = std::exchange(number_, -1);
        return number < 0 || ::close(number) == 0;
    }

private:
    int number_ = -1;
};

/// Writes the whole text, however many calls that takes. False, with the reason in `errno`, if it
/// cannot be written.
[[nodiscard]] inline bool write_all(const FileDescriptor& file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace rococo
