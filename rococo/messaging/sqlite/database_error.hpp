// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

struct sqlite3;

namespace rococo::messaging::sqlite {

/// What SQLite's result code means to a person; `doing` completes "cannot …". `handle` may be null.
[[nodiscard]] Error describe_error(const std::filesystem::path& path, sqlite3* handle, int code,
                                   std::string_view doing);

/// Whether the code says that a right is missing.
[[nodiscard]] bool is_about_rights(int code);

/// Why a database with these marks, and so many tables, cannot hold the queue; empty where it may:
/// it is ours, or has nothing in it yet.
[[nodiscard]] std::string foreign(std::int64_t application, std::int64_t version,
                                  std::int64_t tables);

}  // namespace rococo::messaging::sqlite
