// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "rococo/abi.h"
#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// A service as the host has loaded it: a shared library with a descriptor that was found sound.
///
/// A cheap handle. The library is never closed, since a thread of the user's code may be running in
/// it until the process ends.
class ServiceLibrary {
public:
    /// Loads a library, checks its ABI version and its processors.
    /// **Errors**: kind `service`, with the path, what was expected and what was found.
    [[nodiscard]] static Result<ServiceLibrary> load(const std::filesystem::path& path);

    /// Where the library's file is: see `ServiceSearch`.
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] std::string_view package() const { return descriptor_->package; }
    [[nodiscard]] std::string_view version() const { return descriptor_->version; }
    [[nodiscard]] std::string_view sdk_version() const { return descriptor_->sdk_version; }
    /// One or more.
    [[nodiscard]] std::span<const rococo_processor* const> processors() const {
        return {descriptor_->processors, descriptor_->processor_count};
    }

    /// Hands the host's functions to the service; before any processor is made. `host` must live as
    /// long as the process.
    void attach(const rococo_host& host) const { descriptor_->attach(&host); }

private:
    ServiceLibrary(std::filesystem::path path, const rococo_service* descriptor)
        : path_(std::move(path)), descriptor_(descriptor) {}

    std::filesystem::path path_;
    const rococo_service* descriptor_;
};

/// Finds the library of the service in `folder`: `SERVICE_LIBRARY` where it is given, else the one
/// `*.service.so` in the folder, in its `build` folders, or where services are installed. Of
/// several builds of one package the newest counts; of several packages the one that
/// `processor_module` begins with.
/// **Errors**: kind `service`, with the places that were looked at or the candidates.
[[nodiscard]] Result<std::filesystem::path> find_service_library(
    const std::filesystem::path& folder, const std::filesystem::path& service_library,
    std::string_view processor_module);

/// Which processors a host of an execution type can use.
enum class Work { messages, schedule };

/// Chooses the processor: the one that fits the work, and `processor_module` and `processor_type`
/// where they are given (empty: not). Where several are left, those of the module
/// `<package>.processor` go first, then those whose name ends in `ServiceProcessor`.
/// **Errors**: kind `configuration` or `service`, with the candidates and the variable that
/// chooses.
[[nodiscard]] Result<const rococo_processor*> choose_processor(const ServiceLibrary& library,
                                                               Work work,
                                                               std::string_view processor_module,
                                                               std::string_view processor_type);

}  // namespace rococo::svchost
