// SPDX-License-Identifier: MIT
#include "rococo/base/process_table.hpp"

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include "rococo/base/text.hpp"

namespace rococo {

namespace {

namespace fs = std::filesystem;

/// Reads `12 (a name) S 1 …`. The name may have spaces and parentheses of its own.
std::optional<ProcessEntry> read_entry(const fs::path& file) {
    std::ifstream stream(file);
    std::string line;
    if (!std::getline(stream, line)) return std::nullopt;
    const std::size_t open = line.find('(');
    const std::size_t close = line.rfind(')');
    if (open == std::string::npos || close == std::string::npos || close < open)
        return std::nullopt;
    ProcessEntry entry;
    entry.name = line.substr(open + 1, close - open - 1);
    std::istringstream rest(line.substr(close + 1));
    if (!(rest >> entry.state >> entry.parent)) return std::nullopt;
    return entry;
}

}  // namespace

std::map<pid_t, ProcessEntry> process_table() {
    std::map<pid_t, ProcessEntry> table;
    std::error_code error;
    for (fs::directory_iterator next("/proc", error), end; !error && next != end;
         next.increment(error)) {
        const auto number = parse_number<pid_t>(next->path().filename().string());
        if (!number) continue;
        if (auto entry = read_entry(next->path() / "stat")) table[*number] = std::move(*entry);
    }
    return table;
}

}  // namespace rococo
