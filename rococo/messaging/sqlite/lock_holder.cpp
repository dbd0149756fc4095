// SPDX-License-Identifier: MIT
#include "lock_holder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

#include "rococo/base/text.hpp"

namespace rococo::messaging::sqlite {
namespace {

namespace fs = std::filesystem;

std::string described(const std::string& pid) {
    std::string name;
    std::ifstream comm(fs::path("/proc") / pid / "comm");
    std::getline(comm, name);
    // A process names itself, with any bytes.
    for (char& letter : name) {
        if (letter < ' ' || letter > '~') letter = '?';
    }
    std::string stopped;
    std::ifstream status(fs::path("/proc") / pid / "status");
    for (std::string line; std::getline(status, line);) {
        if (line.rfind("State:", 0) == 0 && line.find("T (") != std::string::npos) {
            stopped = ", which is stopped";
        }
    }
    return fmt::format("process {}{}{}", pid, name.empty() ? "" : " (" + name + ")", stopped);
}

/// Whether a line of `fdinfo`, `lock: 1: OFDLCK ADVISORY WRITE -1 08:01:1234 FROM TO`, covers the
/// byte; `TO` may be `EOF`.
bool covers(const std::string& line, std::int64_t byte) {
    if (line.rfind("lock:", 0) != 0) return false;
    const auto last_space = line.find_last_of(' ');
    if (last_space == std::string::npos || last_space == 0) return false;
    const auto from_space = line.find_last_of(' ', last_space - 1);
    if (from_space == std::string::npos) return false;
    const std::string from = line.substr(from_space + 1, last_space - from_space - 1);
    const std::string to = line.substr(last_space + 1);
    if (!is_digits(from) || from.size() > 18 || std::stoll(from) > byte) return false;
    return to == "EOF" || (is_digits(to) && (to.size() > 18 || std::stoll(to) >= byte));
}

bool locks(const fs::path& process, const std::string& descriptor, std::int64_t byte) {
    std::ifstream info(process / "fdinfo" / descriptor);
    for (std::string line; std::getline(info, line);) {
        if (covers(line, byte)) return true;
    }
    return false;
}

/// Whether a descriptor of the process at `process` has the byte locked.
bool holds(const fs::path& process, const struct stat& file, std::int64_t byte) {
    std::error_code error;
    fs::directory_iterator each(process / "fd", error);
    for (; !error && each != fs::directory_iterator(); each.increment(error)) {
        struct stat other = {};
        if (::stat(each->path().c_str(), &other) != 0) continue;
        if (other.st_ino != file.st_ino || other.st_dev != file.st_dev) continue;
        if (locks(process, each->path().filename().string(), byte)) return true;
    }
    return false;
}

std::optional<std::string> search(const struct stat& file, std::int64_t byte) {
    std::error_code error;
    fs::directory_iterator each("/proc", error);
    for (; !error && each != fs::directory_iterator(); each.increment(error)) {
        const std::string pid = each->path().filename().string();
        if (is_digits(pid) && holds(each->path(), file, byte)) return pid;
    }
    return std::nullopt;
}

}  // namespace

std::string lock_holder(int descriptor, std::int64_t byte) {
    auto lock = one_byte(F_WRLCK, byte);
    // A lock of a process, by a program of others, has its number.
    if (::fcntl(descriptor, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0) {
        return described(std::to_string(lock.l_pid));
    }
    struct stat file = {};
    if (::fstat(descriptor, &file) == 0) {
        if (const auto pid = search(file, byte)) {
            if (*pid == std::to_string(::getpid())) return "another thread of this process";
            return described(*pid);
        }
    }
    return fmt::format(
        "a process that this user cannot see (in another container, or of another user; "
        "`lslocks` as root finds inode {})",
        file.st_ino);
}

}  // namespace rococo::messaging::sqlite
