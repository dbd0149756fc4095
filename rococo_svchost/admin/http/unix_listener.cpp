// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>
#include <optional>
#include <system_error>

#include "http/listener.hpp"

namespace rococo::svchost::http {
namespace {

namespace fs = std::filesystem;

constexpr int kBacklog = 32;
constexpr std::string_view kEnding = ".sock";

/// None where the path does not fit, with its final zero.
std::optional<sockaddr_un> unix_address(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.size() >= sizeof address.sun_path) return std::nullopt;
    text.copy(address.sun_path, text.size());
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

FileDescriptor unix_socket() {
    return FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

/// Whether nobody listens there any more. Anything but a refusal may be a host that is busy.
bool is_abandoned(const fs::path& path) {
    const auto address = unix_address(path);
    if (!address) return false;
    const FileDescriptor probe = unix_socket();
    if (!probe.is_open()) return false;
    return ::connect(probe.get(), generic(*address), sizeof *address) != 0 && errno == ECONNREFUSED;
}

void remove_abandoned_sockets(const fs::path& folder) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error); !error && entry != fs::directory_iterator();
         entry.increment(error)) {
        const fs::path& path = entry->path();
        std::error_code ignored;
        if (path.extension() == kEnding && entry->is_socket(ignored) && is_abandoned(path))
            fs::remove(path, ignored);
    }
}

tl::unexpected<Error> socket_failure(const fs::path& path, int error) {
    return failure(ErrorKind::unavailable,
                   fmt::format("Cannot listen at {}: {}", path.string(), std::strerror(error)));
}

Result<void> make_folder(const fs::path& folder) {
    constexpr mode_t kPrivateFolder = 0700;
    std::error_code error;
    fs::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), kPrivateFolder) != 0 && errno != EEXIST)
        return socket_failure(folder, errno);
    if (::chmod(folder.c_str(), kPrivateFolder) != 0) return socket_failure(folder, errno);
    return {};
}

/// `<name>.sock`, or a hash where that is too long.
Result<fs::path> socket_path(const fs::path& folder, const std::string& name) {
    const std::string hash = fmt::format("{:016x}", std::hash<std::string>()(name));
    for (const std::string& candidate : {name, hash}) {
        fs::path path = folder / candidate.substr(0, NAME_MAX - kEnding.size());
        path += kEnding;
        // One byte more, for the name under which it is made.
        if (path.native().size() + 1 < sizeof sockaddr_un{}.sun_path) return path;
    }
    return failure(ErrorKind::configuration,
                   fmt::format("The path {} is too long for a Unix socket, which may have 107 "
                               "bytes; choose a shorter STATE_DIR",
                               folder.string()));
}

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open_unix(const fs::path& folder,
                                                      const std::string& name) {
    auto path = socket_path(folder, name);
    if (!path) return tl::unexpected(path.error());
    if (auto made = make_folder(folder); !made) return tl::unexpected(made.error());
    remove_abandoned_sockets(folder);
    std::error_code ignored;
    if (fs::exists(*path, ignored)) return socket_failure(*path, EADDRINUSE);

    // It gets its name only when it listens: another host that starts just now would find that
    // nobody answers there, and take it for abandoned.
    fs::path unfinished = *path;
    unfinished += '~';
    fs::remove(unfinished, ignored);
    const auto address = unix_address(unfinished);
    FileDescriptor socket = unix_socket();
    constexpr mode_t kPrivateSocket = 0600;
    if (!address || !socket.is_open() ||
        ::bind(socket.get(), generic(*address), sizeof *address) != 0 ||
        ::chmod(unfinished.c_str(), kPrivateSocket) != 0 || ::listen(socket.get(), kBacklog) != 0 ||
        ::rename(unfinished.c_str(), path->c_str()) != 0)
        return socket_failure(*path, errno);
    return std::unique_ptr<Listener>(new Listener(std::move(socket), 0, *std::move(path)));
}

}  // namespace rococo::svchost::http
