// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo::svchost {

/// Whether the folder holds a service in Python: a `pyproject.toml`, a `processor.py`, or the file
/// of `processor_module`, which may be empty. Each of them also below `src`.
[[nodiscard]] bool is_python_service(const std::filesystem::path& folder,
                                     std::string_view processor_module);

/// How processors in Python are run.
struct Python {
    std::filesystem::path interpreter;
    std::filesystem::path worker;  ///< What it executes: our `rococo_svchost/__main__.py`.
};

/// Finds the interpreter: `given` if it is set; otherwise that of the active virtual environment,
/// of `.venv` in the service's folder, of the environment that Poetry made for it, or `python3`.
/// **Errors**: kind `service`, with what was looked for.
[[nodiscard]] Result<Python> find_python(const std::filesystem::path& folder,
                                         const std::filesystem::path& given);

}  // namespace rococo::svchost
