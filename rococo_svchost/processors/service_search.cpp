// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <map>
#include <string>
#include <system_error>
#include <vector>

#include "rococo_svchost/processors/library_service.hpp"

namespace rococo::svchost {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".service.so";
constexpr std::string_view kInstalledServices = "/usr/local/lib/rococo/services";

/// Adds the libraries in `folder` and, if `deep`, in its subfolders.
void collect(const fs::path& folder, bool deep, std::vector<fs::path>& found) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error)) {
        if (entry.path().filename().string().ends_with(kSuffix)) found.push_back(entry.path());
        if (deep && entry.is_directory(error)) collect(entry.path(), false, found);
    }
}

std::string shown(const fs::path& folder) {
    std::error_code error;
    return fs::weakly_canonical(folder, error).string();
}

std::string package_of(const fs::path& library) {
    const std::string name = library.filename().string();
    return name.substr(0, name.size() - kSuffix.size());
}

}  // namespace

bool has_service_library(const fs::path& folder) {
    std::vector<fs::path> found;
    collect(folder, false, found);
    collect(folder / "build", true, found);
    return !found.empty();
}

Result<fs::path> find_service_library(const fs::path& folder, const fs::path& service_library,
                                      std::string_view processor_module) {
    if (!service_library.empty()) return service_library;

    std::vector<fs::path> found;
    collect(folder, false, found);
    collect(folder / "build", true, found);
    if (found.empty()) collect(kInstalledServices, false, found);
    if (found.empty()) {
        return failure(
            ErrorKind::service,
            fmt::format("no service found: looked for *{} in {}, its build folders, and {}. Build "
                        "the service (cmake -B build && cmake --build build), name its folder "
                        "(svchost run DIR), or set SERVICE_LIBRARY",
                        kSuffix, shown(folder), kInstalledServices));
    }

    std::map<std::string, fs::path> newest;  // by package
    for (const fs::path& library : found) {
        std::error_code error;
        auto [known, added] = newest.try_emplace(package_of(library), library);
        if (!added &&
            fs::last_write_time(library, error) > fs::last_write_time(known->second, error)) {
            known->second = library;
        }
    }
    if (newest.size() == 1) return newest.begin()->second;

    const std::string_view package = processor_module.substr(0, processor_module.find('.'));
    if (const auto chosen = newest.find(std::string(package)); chosen != newest.end()) {
        return chosen->second;
    }
    std::string names;
    for (const auto& [name, library] : newest) names += (names.empty() ? "" : ", ") + name;
    return failure(ErrorKind::service,
                   fmt::format("several services found in {}: {}. Choose one with "
                               "PROCESSOR_MODULE={}.processor, or with SERVICE_LIBRARY{}",
                               shown(folder), names, newest.begin()->first,
                               processor_module.empty()
                                   ? ""
                                   : fmt::format("; PROCESSOR_MODULE={} is of none of them",
                                                 processor_module)));
}

}  // namespace rococo::svchost
