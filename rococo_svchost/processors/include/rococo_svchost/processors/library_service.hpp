// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "rococo/abi.h"
#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/service.hpp"

namespace rococo::svchost {

/// A service that is a shared library with a valid descriptor, called over the C ABI.
///
/// The library is never closed, because the user's threads may be running in it until the process
/// ends.
class LibraryService final : public Service {
public:
    /// Loads a library and checks its ABI version and processors. This runs the library's static
    /// initialisers. **Errors**: kind `service`, with the path, what was expected and what was
    /// found.
    [[nodiscard]] static Result<std::unique_ptr<LibraryService>> load(
        const std::filesystem::path& path);

    /// A service with this descriptor, which is valid and lives as long as the process.
    LibraryService(std::filesystem::path path, const rococo_service& descriptor);

    [[nodiscard]] const std::filesystem::path& path() const override { return path_; }
    [[nodiscard]] std::string_view package() const override { return descriptor_.package; }
    [[nodiscard]] std::string_view version() const override { return descriptor_.version; }
    [[nodiscard]] std::string_view sdk_version() const override { return descriptor_.sdk_version; }
    [[nodiscard]] const std::vector<ProcessorInfo>& processors() const override {
        return processors_;
    }
    /// Also passes the host's log to the library, which is why a process has only one.
    [[nodiscard]] std::unique_ptr<ProcessorFactory> factory(const ProcessorInfo& processor,
                                                            HostServices host) const override;

private:
    const std::filesystem::path path_;
    const rococo_service& descriptor_;
    std::vector<ProcessorInfo> processors_;
};

/// Whether there is a library of a service in `folder` or its `build` folders.
[[nodiscard]] bool has_service_library(const std::filesystem::path& folder);

/// Finds the library of the service in `folder`: `SERVICE_LIBRARY` if set, otherwise the
/// `*.service.so` in the folder, its `build` folders, or the folder of installed services. The
/// newest of several builds of a package wins; among several packages, the one that
/// `processor_module` starts with.
/// **Errors**: kind `service`, with the places searched or the candidates.
[[nodiscard]] Result<std::filesystem::path> find_service_library(
    const std::filesystem::path& folder, const std::filesystem::path& service_library,
    std::string_view processor_module);

}  // namespace rococo::svchost
