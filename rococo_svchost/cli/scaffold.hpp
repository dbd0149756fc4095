// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>

namespace rococo::svchost::cli {

/// A file of a new service, with `@name@`, `@Name@` and `@version@` to be filled in.
struct ScaffoldFile {
    std::string_view path;  ///< In the service's folder; `env` and `gitignore` get their dot.
    std::string_view text;
};

/// The files of `scaffold/messaging` and `scaffold/cron`, compiled in: made by CMake.
[[nodiscard]] std::span<const ScaffoldFile> messaging_scaffold();
[[nodiscard]] std::span<const ScaffoldFile> cron_scaffold();

}  // namespace rococo::svchost::cli
