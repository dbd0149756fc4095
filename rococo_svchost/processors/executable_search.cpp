// SPDX-License-Identifier: MIT
#include "executable_search.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include "rococo/base/text.hpp"

namespace rococo::svchost {

namespace fs = std::filesystem;

bool is_executable(const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

std::optional<fs::path> in_path(const fs::path& program) {
    if (program.has_parent_path()) return program;
    const char* const value = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): at the start
    const std::string path = value == nullptr ? "" : value;
    for (const std::string_view folder : split(path, ':')) {
        const fs::path found = fs::path(folder.empty() ? "." : folder) / program;
        if (is_executable(found)) return found;
    }
    return std::nullopt;
}

}  // namespace rococo::svchost
