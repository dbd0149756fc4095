// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/last_run_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "rococo_svchost/scheduling/time_text.hpp"

namespace rococo::svchost {

namespace {

constexpr int kFormat = 1;

tl::unexpected<Error> file_failure(std::string_view what, const std::filesystem::path& path,
                                   int error) {
    return failure(ErrorKind::unavailable,
                   fmt::format("{} {}: {}", what, path.string(), std::strerror(error)));
}

/// Writes all of it and waits until it is on disk; 0 or the error's number.
int write_synced(const std::filesystem::path& path, std::string_view text) {
    const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (file < 0) return errno;
    int error = 0;
    while (!text.empty() && error == 0) {
        const auto written = write(file, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (error == 0 && fsync(file) != 0) error = errno;
    if (close(file) != 0 && error == 0) error = errno;
    return error;
}

/// A rename is on disk only when its folder is.
int sync_folder(const std::filesystem::path& folder) {
    const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    const int error = fsync(descriptor) == 0 ? 0 : errno;
    close(descriptor);
    return error;
}

std::string file_name(std::string_view name) {
    std::string result(name);
    std::ranges::replace_if(
        result, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '_');
    return "schedule-" + (result.empty() ? "default" : result) + ".json";
}

}  // namespace

LastRunStore::LastRunStore(std::filesystem::path folder, std::string_view name)
    : folder_(std::move(folder)), file_(folder_ / file_name(name)) {}

Result<std::optional<LastRunRecord>> LastRunStore::load() const {
    std::ifstream file(file_, std::ios::binary);
    if (!file) {
        std::error_code error;
        if (!std::filesystem::exists(file_, error) && !error) return std::nullopt;
        return file_failure("cannot read the record of past runs", file_, EACCES);
    }
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const auto json = nlohmann::json::parse(text, nullptr, false);
    const auto string_of = [&json](const char* key) {
        const bool present = json.is_object() && json.contains(key) && json[key].is_string();
        return present ? json[key].get<std::string>() : std::string();
    };
    const auto phase = parse_time(string_of("phase"), TimeZone());
    const auto settled = parse_time(string_of("settled_through"), TimeZone());
    if (!phase || !settled)
        return failure(ErrorKind::unavailable,
                       fmt::format("the record of past runs in {} is damaged; delete the file to "
                                   "begin anew (runs missed until now are then not made up for)",
                                   file_.string()));
    return LastRunRecord{string_of("schedule"), *phase, *settled};
}

Result<void> LastRunStore::save(const LastRunRecord& record) const {
    std::error_code code;
    std::filesystem::create_directories(folder_, code);
    if (code) return file_failure("cannot create the state folder", folder_, code.value());

    const nlohmann::ordered_json json{
        {"format", kFormat},
        {"schedule", record.schedule},
        {"phase", format_utc(record.phase)},
        {"settled_through", format_utc(record.settled_through)},
    };
    const std::string text =
        json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    std::filesystem::path fresh = file_;
    fresh += ".new";
    if (const int error = write_synced(fresh, text); error != 0) {
        std::filesystem::remove(fresh, code);
        return file_failure("cannot write the record of past runs", fresh, error);
    }
    if (std::rename(fresh.c_str(), file_.c_str()) != 0)
        return file_failure("cannot replace the record of past runs", file_, errno);
    if (const int error = sync_folder(folder_); error != 0)
        return file_failure("cannot sync the state folder", folder_, error);
    return {};
}

}  // namespace rococo::svchost
