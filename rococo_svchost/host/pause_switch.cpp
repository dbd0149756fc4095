// SPDX-License-Identifier: MIT
#include "pause_switch.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <utility>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/private_files.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"

namespace rococo::svchost {

namespace {

/// Two queues whose names differ in unusual letters only share a pause, which is the safe side.
std::string file_name(std::string_view name) {
    std::string result(name);
    for (char& c : result)
        if (!is_letter(c) && !is_digit(c) && c != '-') c = '_';
    return result + ".json";
}

std::string words(const PauseFacts& pause) {
    std::string text = "by " + pause.by;
    if (!pause.reason.empty()) text += ": " + pause.reason;
    if (pause.until) text += ", until " + format_utc(*pause.until);
    return text;
}

}  // namespace

PauseSwitch::PauseSwitch(const std::filesystem::path& state_folder, std::string_view name,
                         const Clock& clock, const Logger& logger)
    : file_(state_folder / "pause" / file_name(name)), clock_(clock), logger_(logger) {
    load();
    end_if_over();
    if (by_operator_) logger_.warning("Still paused, {}", words(*by_operator_));
}

void PauseSwitch::pause(const std::string& reason, std::optional<std::chrono::milliseconds> length,
                        const std::string& by) {
    const std::scoped_lock lock(mutex_);
    const SystemTime now = clock_.now();
    by_operator_ = {.reason = reason, .by = by, .since = now, .until = {}};
    if (length) by_operator_->until = now + *length;
    logger_.warning("Paused {}", words(*by_operator_));
    keep();
}

Result<bool> PauseSwitch::resume(const std::string& by) {
    const std::scoped_lock lock(mutex_);
    const bool was_paused = by_operator_.has_value();
    by_operator_.reset();
    if (was_paused) keep();
    if (by_configuration_)
        return failure(ErrorKind::usage,
                       fmt::format("still paused by {}: change it there", by_configuration_->by));
    if (was_paused) logger_.info("Resumed by {}", by);
    return was_paused;
}

void PauseSwitch::configured(bool paused, const std::string& by) {
    const std::scoped_lock lock(mutex_);
    if (paused == by_configuration_.has_value()) return;
    if (!paused) {
        by_configuration_.reset();
        logger_.info("Resumed by {}", by);
        return;
    }
    by_configuration_ = {.reason = {}, .by = by, .since = clock_.now(), .until = {}};
    logger_.warning("Paused {}", words(*by_configuration_));
}

std::optional<PauseFacts> PauseSwitch::current() {
    const std::scoped_lock lock(mutex_);
    end_if_over();
    return by_operator_ ? by_operator_ : by_configuration_;
}

void PauseSwitch::end_if_over() {
    if (!by_operator_ || !by_operator_->until || clock_.now() < *by_operator_->until) return;
    logger_.info("The pause is over ({})", words(*by_operator_));
    by_operator_.reset();
    keep();
}

void PauseSwitch::load() {
    std::ifstream file(file_, std::ios::binary);
    if (!file) return;
    std::ostringstream text;
    text << file.rdbuf();
    const auto json = nlohmann::json::parse(text.str(), nullptr, false);
    const auto text_of = [&json](const char* key) {
        const bool present = json.is_object() && json.contains(key) && json[key].is_string();
        return present ? json[key].get<std::string>() : std::string();
    };
    const auto since = parse_utc(text_of("since"));
    const auto until = parse_utc(text_of("until"));
    if (!since || (json.contains("until") && !until)) {
        // Whoever paused it had a reason: a damaged file is a pause all the same.
        by_operator_ = {.reason = "the file that keeps the pause is damaged: " + file_.string(),
                        .by = "an earlier host",
                        .since = clock_.now(),
                        .until = {}};
        return;
    }
    by_operator_ = {
        .reason = text_of("reason"), .by = text_of("by"), .since = *since, .until = until};
}

void PauseSwitch::keep() {
    if (!by_operator_) {
        std::error_code error;
        std::filesystem::remove(file_, error);
        if (error)
            logger_.warning("The end of the pause could not be kept: {}: {}", file_.string(),
                            error.message());
        return;
    }
    nlohmann::ordered_json json{{"reason", by_operator_->reason},
                                {"by", by_operator_->by},
                                {"since", format_utc(by_operator_->since)}};
    if (by_operator_->until) json["until"] = format_utc(*by_operator_->until);
    const auto replaced = nlohmann::ordered_json::error_handler_t::replace;
    int error = make_private_folders(file_.parent_path());
    if (error == 0) error = replace_file(file_, json.dump(2, ' ', false, replaced) + "\n");
    if (error != 0)
        logger_.warning("This pause ends with the host, since it could not be kept: {}: {}",
                        file_.string(), std::strerror(error));
}

}  // namespace rococo::svchost
