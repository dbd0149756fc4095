// SPDX-License-Identifier: MIT
#include "memory_limit.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMiB = std::size_t{1} << 20U;
constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Reads a number from a file; `kNone` if it has none (`max`) or does not exist.
std::size_t number_in(const fs::path& file) {
    std::ifstream stream(file);
    std::size_t number = 0;
    return stream >> number ? number : kNone;
}

/// The smallest limit of a control group and its parents. In a container, the path that the process
/// sees may not exist below the mount; then the mount itself is its group.
std::size_t group_limit(const fs::path& mount, const std::string& group, const char* file) {
    std::size_t least = number_in(mount / file);
    for (fs::path path = fs::path(group).relative_path(); !path.empty(); path = path.parent_path())
        least = std::min(least, number_in(mount / path / file));
    return least;
}

// /proc/self/cgroup, cgroups(7): `ID:CONTROLLERS:PATH`; version 2 has no controllers.
std::size_t control_groups_limit(const fs::path& root) {
    std::size_t least = kNone;
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':');
        const auto second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (controllers.empty()) {
            least = std::min(least, group_limit(root / "sys/fs/cgroup", path, "memory.max"));
        } else if (("," + controllers + ",").find(",memory,") != std::string::npos) {
            least = std::min(
                least, group_limit(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
        }
    }
    return least;
}

}  // namespace

std::size_t memory_limit(const fs::path& root) {
    std::size_t least = control_groups_limit(root);
    rlimit address_space{};
    if (::getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY)
        least = std::min<std::size_t>(least, address_space.rlim_cur);
    const auto pages = ::sysconf(_SC_PHYS_PAGES);
    const auto page = ::sysconf(_SC_PAGESIZE);
    if (pages > 0 && page > 0)
        least = std::min(least, static_cast<std::size_t>(pages) * static_cast<std::size_t>(page));
    return least;
}

std::size_t default_bytes_in_hand(std::size_t memory_bytes) {
    return std::clamp(memory_bytes / 8, 4 * kMiB, 256 * kMiB);
}

}  // namespace rococo::svchost
