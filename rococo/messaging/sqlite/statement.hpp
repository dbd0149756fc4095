// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rococo/base/result.hpp"

struct sqlite3_stmt;

namespace rococo::messaging::sqlite {

class Database;

/// Bytes to be bound as what they are, not as text.
struct Blob {
    std::string_view bytes;
};

/// What is absent is NULL in the database, and costs one byte there.
[[nodiscard]] inline std::optional<std::string_view> text_or_null(std::string_view text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

/// One SQL statement, prepared at its first use and kept.
///
/// `statement.bind(key, name).next()` gives row after row, `….run()` carries it out. Text that is
/// bound must live until the statement was carried out.
///
/// **Thread-safety**: none; that of its database.
/// **Ownership**: the database must outlive it.
/// **Errors**: mistakes of binding come out of `next` and `run`.
class Statement {
public:
    /// `sql` must be a literal: it is kept as it is.
    Statement(Database& database, const char* sql) : database_(&database), sql_(sql) {}
    ~Statement();
    Statement(Statement&& other) noexcept;

    /// Starts anew, with these values for its parameters in their order.
    template <typename... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        if (code_ == 0) (set(++index, values), ...);
        return *this;
    }

    /// Whether there is another row, whose columns may then be read until the next call.
    [[nodiscard]] Result<bool> next();
    /// The first column of its first row as a number, 0 where there is no row; ends it.
    [[nodiscard]] Result<std::int64_t> number();
    /// Whether that number is another than 0.
    [[nodiscard]] Result<bool> holds();
    /// Carries it out to its end.
    [[nodiscard]] Result<void> run();
    /// Ends it early; a statement that is not at its end holds a snapshot of the database.
    void reset();

    [[nodiscard]] std::int64_t integer(int column) const;
    /// The bytes of a text or blob; empty where the column is NULL.
    [[nodiscard]] std::string_view bytes(int column) const;
    [[nodiscard]] bool is_null(int column) const;

private:
    void prepare();
    void set(int index, std::int64_t value);
    void set(int index, std::uint32_t value) { set(index, static_cast<std::int64_t>(value)); }
    void set(int index, std::string_view text);
    void set(int index, Blob blob);
    void set(int index, std::nullopt_t);
    template <typename T>
    void set(int index, const std::optional<T>& value) {
        value ? set(index, *value) : set(index, std::nullopt);
    }
    Database* database_;
    const char* sql_;
    sqlite3_stmt* handle_ = nullptr;
    int code_ = 0;
    bool running_ = false;
};

}  // namespace rococo::messaging::sqlite
