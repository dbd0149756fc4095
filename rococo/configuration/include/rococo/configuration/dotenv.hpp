// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "rococo/base/result.hpp"

namespace rococo {

/// One variable of a `.env` file.
struct DotenvEntry {
    std::string name;
    std::string value;
    std::size_t line = 0;  ///< The line of the name, counted from 1.
};

/// The contents of a `.env` file.
struct Dotenv {
    std::vector<DotenvEntry> entries;   ///< Each name once, in the file's order.
    std::vector<std::string> warnings;  ///< Valid but probably unintended, with file:line.
};

/// All errors of a file, each with `file:line` and none with values.
using DotenvErrors = std::vector<Error>;

/// Reads the text of a `.env` file:
///
///     # a comment
///     NAME=value                  up to a blank followed by #, ends trimmed
///     export NAME=value           the same
///     NAME='as it stands, $ and \ included'
///     NAME="escapes: \n \r \t \" \\ \$; may
///     go on over several lines"
///
/// Lines end in LF or CRLF, and a UTF-8 byte order mark is skipped. Values are not expanded:
/// `${OTHER}` stays as it is, with a warning. If a name is set twice, the last one wins, with a
/// warning. `file` is the name used in messages.
[[nodiscard]] tl::expected<Dotenv, DotenvErrors> parse_dotenv(std::string_view text,
                                                              std::string_view file);

/// Reads a `.env` file. Empty if there is no such file.
///
/// **Errors**: not a regular file, more than 1 MiB, no permission, or text that `parse_dotenv`
/// rejects. Never blocks on a FIFO.
[[nodiscard]] tl::expected<std::optional<Dotenv>, DotenvErrors> read_dotenv(
    const std::filesystem::path& file);

}  // namespace rococo
