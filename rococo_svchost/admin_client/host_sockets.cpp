// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin_client/host_sockets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>
#include <tuple>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost {

namespace {

struct Found {
    std::int64_t changed_at = 0;  // nanoseconds
    std::filesystem::path path;
};

}  // namespace

bool is_live_socket(const std::filesystem::path& socket) {
    // Through its folder, because an address has room for 107 bytes only.
    const FileDescriptor folder(
        ::open(socket.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const std::string path =
        fmt::format("/proc/self/fd/{}/{}", folder.get(), socket.filename().string());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (!folder.is_open() || path.size() >= sizeof address.sun_path) return false;
    std::copy(path.begin(), path.end(), std::begin(address.sun_path));
    const FileDescriptor own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
    if (!own.is_open()) return false;
    if (::connect(own.get(), generic, sizeof address) == 0) return true;
    // It listens, but has more callers than it can take; or it is another user's, which whoever
    // asks it next is told.
    return errno == EAGAIN || errno == EACCES;
}

Result<std::vector<std::filesystem::path>> live_sockets(const std::filesystem::path& state_dir) {
    const auto folder = state_dir / "run";
    std::error_code error;
    std::vector<Found> found;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        struct stat status {};
        const auto& path = entry->path();
        if (path.extension() != ".sock" || ::lstat(path.c_str(), &status) != 0 ||
            !S_ISSOCK(status.st_mode) || !is_live_socket(path)) {
            continue;
        }
        constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
        found.push_back(
            {status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec, path});
    }
    if (error && error != std::errc::no_such_file_or_directory) {
        return failure(ErrorKind::unavailable,
                       fmt::format("cannot look for hosts in {}: {}; only the user that they run "
                                   "as may",
                                   folder.string(), error.message()));
    }
    std::ranges::sort(found, [](const Found& one, const Found& other) {
        return std::tie(other.changed_at, one.path) < std::tie(one.changed_at, other.path);
    });
    std::vector<std::filesystem::path> paths;
    paths.reserve(found.size());
    for (Found& one : found) paths.push_back(std::move(one.path));
    return paths;
}

}  // namespace rococo::svchost
