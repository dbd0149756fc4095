// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/python_search.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <system_error>

#include "executable_search.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): at the start
    return value == nullptr ? "" : value;
}

std::string first_line_of(const std::string& command) {
    const auto close = [](FILE* pipe) { ::pclose(pipe); };
    // The command is ours. NOLINTNEXTLINE(cert-env33-c)
    const std::unique_ptr<FILE, decltype(close)> pipe(::popen(command.c_str(), "re"), close);
    std::array<char, 4096> line{};
    if (!pipe || std::fgets(line.data(), line.size(), pipe.get()) == nullptr) return {};
    return std::string(trim(line.data()));
}

/// A folder's name between single quotes, as a shell reads it.
std::string quoted(const fs::path& folder) {
    std::string text = "'";
    for (const char c : folder.string()) text += c == '\'' ? "'\\''" : std::string(1, c);
    return text + "'";
}

std::optional<fs::path> of_poetry(const fs::path& folder) {
    std::error_code error;
    if (!fs::exists(folder / "poetry.lock", error) || !in_path("poetry")) return std::nullopt;
    const std::string environment =
        first_line_of("cd " + quoted(folder) + " && poetry env info --path 2>/dev/null");
    if (environment.empty()) return std::nullopt;
    return fs::path(environment) / "bin/python3";
}

/// Our Python modules: beside the host's `bin` in an installation, and in the build tree.
fs::path modules() {
    std::error_code error;
    return fs::read_symlink("/proc/self/exe", error).parent_path().parent_path() /
           "share/rococo/python";
}

}  // namespace

bool is_python_service(const fs::path& folder, std::string_view processor_module) {
    std::string file(processor_module);
    std::ranges::replace(file, '.', '/');
    std::error_code error;
    for (const fs::path& root : {folder, folder / "src"}) {
        if (fs::exists(root / "pyproject.toml", error) || fs::exists(root / "processor.py", error))
            return true;
        if (!file.empty() && fs::exists(root / (file + ".py"), error)) return true;
    }
    return false;
}

Result<Python> find_python(const fs::path& folder, const fs::path& given) {
    const fs::path worker = modules() / "front/rococo_svchost/__main__.py";
    std::error_code error;
    if (!fs::exists(worker, error))
        return failure(ErrorKind::service,
                       fmt::format("{} is missing: svchost is installed in part "
                                   "only",
                                   worker.string()));
    if (!given.empty()) {
        const auto found = in_path(given);
        if (found && is_executable(*found)) return Python{*found, worker};
        return failure(ErrorKind::service, fmt::format("PROCESSOR_PYTHON={} is no program that can "
                                                       "be executed",
                                                       given.string()));
    }
    if (const std::string active = variable("VIRTUAL_ENV"); !active.empty()) {
        const fs::path python = fs::path(active) / "bin/python3";
        if (is_executable(python)) return Python{python, worker};
    }
    if (const fs::path python = folder / ".venv/bin/python3"; is_executable(python))
        return Python{fs::absolute(python), worker};
    if (const auto python = of_poetry(folder); python && is_executable(*python))
        return Python{*python, worker};
    for (const char* const name : {"python3", "python"})
        if (const auto python = in_path(name)) return Python{*python, worker};
    return failure(ErrorKind::service,
                   "no Python found: neither an active virtual environment, nor .venv in the "
                   "service's folder, nor python3. Install it, or set PROCESSOR_PYTHON");
}

}  // namespace rococo::svchost
