// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

namespace rococo {

/// Files of settings and secrets are small; anything larger is the wrong file.
inline constexpr std::size_t kMaximumTextFileBytes = std::size_t{1024} * 1024;

/// Reads a whole regular file; none where there is no such file.
///
/// **Errors**: a folder, FIFO, socket or device in its place (told apart without opening it for
/// long: a FIFO without a writer does not block), no permission, more than
/// `kMaximumTextFileBytes`, a failing disk. All of kind `configuration`, and all begin with the
/// file's path.
[[nodiscard]] Result<std::optional<std::string>> read_text_file(const std::filesystem::path& file);

/// Where in `text` its first byte stands that is not UTF-8 (RFC 3629); none where all of it is.
[[nodiscard]] std::optional<std::size_t> find_invalid_utf8(std::string_view text);

}  // namespace rococo
