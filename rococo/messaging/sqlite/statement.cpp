// SPDX-License-Identifier: MIT
#include "statement.hpp"

#include <sqlite3.h>

#include <utility>

#include "database.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {

Statement::~Statement() { sqlite3_finalize(handle_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_),
      sql_(other.sql_),
      handle_(std::exchange(other.handle_, nullptr)),
      code_(other.code_),
      running_(std::exchange(other.running_, false)) {}

Result<bool> Statement::next() {
    if (handle_ == nullptr) prepare();
    if (code_ != SQLITE_OK) return tl::unexpected(database_->error(code_, "prepare a statement"));
    running_ = true;
    const int step = sqlite3_step(handle_);
    if (step == SQLITE_ROW) return true;
    if (step == SQLITE_DONE) {
        reset();
        return false;
    }
    // The text of the error must be fetched before `reset`, which may change it.
    auto error = database_->error(step, "carry out a statement");
    reset();
    return tl::unexpected(std::move(error));
}

Result<std::int64_t> Statement::number() {
    ROCOCO_ASSIGN_OR_RETURN(const bool row, next());
    const auto value = row ? integer(0) : 0;
    reset();
    return value;
}

Result<bool> Statement::holds() {
    return number().map([](std::int64_t value) { return value != 0; });
}

Result<void> Statement::run() {
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(auto row, next());
        if (!row) return {};
    }
}

void Statement::reset() {
    if (handle_ == nullptr) prepare();
    if (running_) sqlite3_reset(handle_);
    running_ = false;
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string_view Statement::bytes(int column) const {
    // The pointer first: asking for the size of what is not yet in its final form would change it.
    const void* data = sqlite3_column_blob(handle_, column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

void Statement::prepare() {
    code_ = sqlite3_prepare_v3(database_->handle(), sql_, -1, SQLITE_PREPARE_PERSISTENT, &handle_,
                               nullptr);
}

void Statement::set(int index, std::int64_t value) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(handle_, index, value);
}

void Statement::set(int index, std::string_view text) {
    if (code_ != SQLITE_OK) return;
    code_ = sqlite3_bind_text64(handle_, index, text.data() == nullptr ? "" : text.data(),
                                text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Statement::set(int index, Blob blob) {
    if (code_ != SQLITE_OK) return;
    code_ = blob.bytes.empty() ? sqlite3_bind_zeroblob(handle_, index, 0)
                               : sqlite3_bind_blob64(handle_, index, blob.bytes.data(),
                                                     blob.bytes.size(), SQLITE_STATIC);
}

void Statement::set(int index, std::nullopt_t) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_null(handle_, index);
}

}  // namespace rococo::messaging::sqlite
