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
    std::size_t line = 0;  ///< Counted from 1: where the name stands.
};

/// What a `.env` file says.
struct Dotenv {
    std::vector<DotenvEntry> entries;   ///< Each name once, in the file's order.
    std::vector<std::string> warnings;  ///< What is allowed and probably not meant, with file:line.
};

/// All that is wrong with a file, each with `file:line`, none with the values.
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
/// Lines end in LF or CRLF, a UTF-8 byte order mark is skipped, and values are not expanded
/// (`${OTHER}` stays and is warned about). Of a name given twice the last counts, with a warning.
/// `file` is how the messages name it.
[[nodiscard]] tl::expected<Dotenv, DotenvErrors> parse_dotenv(std::string_view text,
                                                              std::string_view file);

/// Reads a `.env` file; none where there is no such file.
///
/// **Errors**: anything but a regular file of 1 MiB at most in its place, no permission, or text
/// that `parse_dotenv` refuses. Never blocks on a FIFO.
[[nodiscard]] tl::expected<std::optional<Dotenv>, DotenvErrors> read_dotenv(
    const std::filesystem::path& file);

}  // namespace rococo
