// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/last_run_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "rococo/base/private_files.hpp"
#include "rococo/base/text.hpp"
#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

constexpr int kFormat = 1;
// Expressions can be long, but no file of ours is longer than this.
constexpr std::size_t kMostBytesOfRecord = 1 << 20;

std::string file_name(std::string_view name) {
    std::string result(name);
    for (char& c : result)
        if (!is_letter(c) && !is_digit(c) && c != '-') c = '_';
    return "schedule-" + (result.empty() ? "default" : result) + ".json";
}

}  // namespace

LastRunStore::LastRunStore(std::filesystem::path folder, std::string_view name)
    : folder_(std::move(folder)), file_(folder_ / file_name(name)) {}

Result<std::optional<LastRunRecord>> LastRunStore::load() const {
    std::error_code absent;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file_, absent)))
        return std::nullopt;
    std::ifstream file(file_, std::ios::binary);
    if (!file) return file_failure("cannot read the record of past runs", file_, errno);
    std::string text(kMostBytesOfRecord, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    auto record = parse_last_run(text);
    if (!record)
        return failure(ErrorKind::unavailable,
                       fmt::format("the record of past runs in {} is damaged; delete the file to "
                                   "begin anew (runs missed until now are then not made up for)",
                                   file_.string()));
    return record;
}

std::optional<LastRunRecord> parse_last_run(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    const auto string_of = [&json](const char* key) {
        const bool present = json.is_object() && json.contains(key) && json[key].is_string();
        return present ? json[key].get<std::string>() : std::string();
    };
    const auto phase = parse_time(string_of("phase"), TimeZone());
    const auto settled = parse_time(string_of("settled_through"), TimeZone());
    if (!phase || !settled) return std::nullopt;
    return LastRunRecord{string_of("schedule"), *phase, *settled};
}

Result<void> LastRunStore::check() const {
    if (const int error = may_make_files_in(folder_); error != 0)
        return file_failure("the record of past runs cannot be written in", folder_, error);
    return {};
}

Result<void> LastRunStore::save(const LastRunRecord& record) const {
    if (const int error = make_private_folders(folder_); error != 0)
        return file_failure("cannot create the state folder", folder_, error);

    const nlohmann::ordered_json json{
        {"format", kFormat},
        {"schedule", record.schedule},
        {"phase", format_utc(record.phase)},
        {"settled_through", format_utc(record.settled_through)},
    };
    const std::string text =
        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    if (const int error = replace_file(file_, text); error != 0)
        return file_failure("cannot write the record of past runs", file_, error);
    return {};
}

bool RunRecord::must_save(const LastRunRecord& record, SteadyTime now) {
    const bool changed = !saved_ || saved_->settled_through != record.settled_through ||
                         saved_->phase != record.phase;
    if (changed) return pause_ == std::chrono::seconds(0) || now >= next_try_;
    pause_ = {};
    next_try_ = SteadyTime::max();
    return false;
}

void RunRecord::saved(const LastRunRecord& record, const Result<void>& saved, SteadyTime now) {
    if (saved) {
        saved_ = record;
        pause_ = {};
        next_try_ = SteadyTime::max();
        return;
    }
    pause_ = std::clamp(pause_ * 2, kFirstPause, kLongestPause);
    next_try_ = now + pause_;
    if (const auto line = trouble_.line(saved.error().message, now)) logger_.warning("{}", *line);
}

}  // namespace rococo::svchost
