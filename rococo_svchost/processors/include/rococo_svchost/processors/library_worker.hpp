// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string_view>

namespace rococo::svchost {

/// The word by which svchost is told to do what follows, before the library's path.
inline constexpr std::string_view kWorkerCommand = "__work";

/// Runs a processor of a library in this process, for the host that started it with the
/// descriptors that `ChildProcess` describes (PROCESSOR_ISOLATION=process). Returns the exit code
/// once the host has had enough or has gone.
///
/// **Thread-safety**: called once in a process, on its main thread, which the processor runs on.
[[nodiscard]] int run_library_worker(const std::filesystem::path& library);

}  // namespace rococo::svchost
