// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <map>
#include <string>

namespace rococo {

/// What the system says of a process.
struct ProcessEntry {
    pid_t parent = 0;
    char state = ' ';  ///< `R`, `S`, `Z` and the others of proc(5).
    std::string name;  ///< At most 15 characters.
};

/// All processes that /proc shows, by number. Those that end meanwhile may be missing.
[[nodiscard]] std::map<pid_t, ProcessEntry> process_table();

}  // namespace rococo
