// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>

namespace rococo::svchost {

/// How many bytes of memory this process may use: the smallest of its control groups' limits
/// (version 1 or 2), its address space limit (`ulimit -v`) and the machine's memory.
///
/// `root`: where `proc` and `sys` are mounted.
[[nodiscard]] std::size_t memory_limit(const std::filesystem::path& root = "/");

/// The default of PREFETCH_BYTES: an eighth of the memory, between 4 and 256 MiB.
[[nodiscard]] std::size_t default_bytes_in_hand(std::size_t memory_bytes);

}  // namespace rococo::svchost
