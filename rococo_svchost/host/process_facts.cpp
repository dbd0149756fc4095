// SPDX-License-Identifier: MIT
#include "process_facts.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

/// One line of /proc/PID/stat: proc(5).
struct Usage {
    Microseconds cpu{};
    std::uint64_t resident = 0;
};

Usage usage_of(const std::string& process) {
    std::ifstream file("/proc/" + process + "/stat");
    std::string line;
    std::getline(file, line);
    // The name, in parentheses, may hold anything. After it come the fields from the third on.
    const auto name_end = line.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream fields(line.substr(name_end + 1));
    std::string ignored;
    for (int field = 3; field < 14; ++field) fields >> ignored;
    std::int64_t user = 0;
    std::int64_t system = 0;
    fields >> user >> system;
    for (int field = 16; field < 24; ++field) fields >> ignored;
    std::uint64_t pages = 0;
    fields >> pages;
    static const std::int64_t ticks = ::sysconf(_SC_CLK_TCK);
    static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return {.cpu = Microseconds((user + system) * 1'000'000 / ticks),
            .resident = pages * page_size};
}

/// By thread, since the kernel lists each child under the thread that made it.
std::set<std::string> children() {
    std::set<std::string> found;
    std::error_code error;
    for (fs::directory_iterator next("/proc/self/task", error), end; !error && next != end;
         next.increment(error)) {
        std::ifstream file(next->path() / "children");
        for (std::string process; file >> process;) found.insert(process);
    }
    return found;
}

std::uint64_t open_descriptors() {
    std::error_code error;
    const fs::directory_iterator first("/proc/self/fd", error);
    // But for the one that lists them.
    return error ? 0
                 : static_cast<std::uint64_t>(std::distance(first, fs::directory_iterator())) - 1;
}

Microseconds time_of(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + Microseconds(time.tv_usec);
}

}  // namespace

ProcessFacts process_facts() {
    ProcessFacts facts;
    rusage own{};
    if (::getrusage(RUSAGE_SELF, &own) == 0)
        facts.cpu = time_of(own.ru_utime) + time_of(own.ru_stime);
    facts.resident = usage_of("self").resident;
    facts.descriptors = open_descriptors();
    // Those that have ended count for ever, or the sum would fall.
    rusage ended{};
    if (::getrusage(RUSAGE_CHILDREN, &ended) == 0)
        facts.children_cpu = time_of(ended.ru_utime) + time_of(ended.ru_stime);
    for (const std::string& child : children()) {
        const Usage usage = usage_of(child);
        ++facts.children;
        facts.children_cpu += usage.cpu;
        facts.children_resident += usage.resident;
    }
    return facts;
}

}  // namespace rococo::svchost
