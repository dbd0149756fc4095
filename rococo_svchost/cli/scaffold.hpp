// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

namespace rococo::svchost::cli {

/// A file of a new service, whose path and text have placeholders `@name@`, `@Name@` and
/// `@version@`.
struct ScaffoldFile {
    std::string_view
        path;  ///< Relative to the service's folder; `env` and `gitignore` get a leading dot.
    std::string_view text;  ///< Where it begins with `#!`, the file can be executed.
};

/// The files of `scaffold/messaging` and its neighbours, compiled in by CMake.
[[nodiscard]] std::span<const ScaffoldFile> messaging_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> cron_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> python_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> python_cron_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> command_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> command_cron_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> node_scaffold();

}  // namespace rococo::svchost::cli
