// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo {

/// Our files are accessible only to their owner, because anyone who can open one can lock it.
inline constexpr mode_t kPrivateFile = 0600;

/// `what` of a file failed: kind `unavailable`, with errno's text.
[[nodiscard]] tl::unexpected<Error> file_failure(std::string_view what,
                                                 const std::filesystem::path& path, int error);

/// Creates a folder and its parents, new ones accessible only to the owner (0700). Returns 0 or
/// errno.
[[nodiscard]] int make_private_folders(const std::filesystem::path& folder);

/// Removes everyone else's permissions from a file. Another user's file is left unchanged.
void make_private(int file) noexcept;

/// Writes the text to a new file beside this one, waits until it is on disk, and puts it in its
/// place: whatever happens, the old text is there or the new one. Returns 0 or errno.
[[nodiscard]] int replace_file(const std::filesystem::path& path, std::string_view text);

/// Checks whether `make_private_folders` and then creating a file there would work, without
/// creating anything. Returns 0 or errno.
[[nodiscard]] int may_make_files_in(const std::filesystem::path& folder);

}  // namespace rococo
