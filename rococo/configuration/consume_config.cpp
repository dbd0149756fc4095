// SPDX-License-Identifier: MIT
#include "rococo/configuration/consume_config.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "option_value.hpp"
#include "rococo/configuration/dotenv.hpp"
#include "rococo/configuration/duration.hpp"
#include "rococo/configuration/suggestion.hpp"

namespace rococo {
namespace {

std::string joined(const std::vector<Error>& errors) {
    std::string text;
    for (const Error& error : errors) {
        if (!text.empty()) text += "\n";
        text += error.message;
    }
    return text;
}

std::string described(const ConsumeSettings& settings) {
    return std::string("EXIT_WHEN_FINISHED=") + (settings.exit_when_finished ? "true" : "false") +
           ", LISTEN_INTERVAL=" + duration_setting(settings.listen_interval) +
           ", PAUSED=" + (settings.paused ? "true" : "false") +
           ", VISIBILITY_TIMEOUT=" + duration_setting(settings.visibility_timeout);
}

constexpr std::array<std::string_view, 4> kNames{"EXIT_WHEN_FINISHED", "LISTEN_INTERVAL", "PAUSED",
                                                 "VISIBILITY_TIMEOUT"};

/// Stores a validated value in its member.
void apply(ConsumeSettings& settings, std::string_view name, std::string_view value) {
    if (name == "EXIT_WHEN_FINISHED") {
        settings.exit_when_finished = parse_boolean(value).value_or(false);
    } else if (name == "PAUSED") {
        settings.paused = parse_boolean(value).value_or(false);
    } else if (name == "LISTEN_INTERVAL") {
        settings.listen_interval = parse_duration(value).value_or(settings.listen_interval);
    } else {
        settings.visibility_timeout = parse_duration(value).value_or(settings.visibility_timeout);
    }
}

ConsumeNote warning(std::string text) { return {ConsumeNote::Kind::warning, std::move(text)}; }

}  // namespace

ConsumeConfig::ConsumeConfig(std::filesystem::path file, ConsumeSettings fallback)
    : file_(std::move(file)), fallback_(fallback), current_(fallback) {}

Result<ConsumeConfig> ConsumeConfig::open(const Configuration& configuration) {
    ConsumeConfig config(configuration.path("CONSUME_CONFIG_FILE_PATH").lexically_normal(),
                         {.exit_when_finished = configuration.boolean("EXIT_WHEN_FINISHED"),
                          .listen_interval = configuration.duration("LISTEN_INTERVAL"),
                          .visibility_timeout = configuration.duration("VISIBILITY_TIMEOUT"),
                          .paused = configuration.boolean("PAUSED")});
    if (config.file_.empty()) return config;
    config.version_ = config.version();
    auto said = config.read();
    if (!said) {
        return failure(ErrorKind::configuration,
                       "CONSUME_CONFIG_FILE_PATH: " + joined(said.error()));
    }
    config.current_ = said->settings;
    for (std::string& text : said->warnings) config.pending_.push_back(warning(std::move(text)));
    if (config.version_ == Version{}) {
        config.pending_.push_back(warning("CONSUME_CONFIG_FILE_PATH: there is no file " +
                                          config.file_.string() +
                                          "; it will be read as soon as it exists"));
    }
    return config;
}

std::vector<ConsumeNote> ConsumeConfig::refresh() {
    std::vector<ConsumeNote> lines = std::exchange(pending_, {});
    if (file_.empty()) return lines;
    // Take the version before reading the text, so that the next refresh sees a change in between.
    const Version now = version();
    if (now == version_) return lines;
    version_ = now;
    auto said = read();
    if (!said) {
        lines.push_back(
            {ConsumeNote::Kind::error,
             "The consume configuration is invalid; its last good values stay in force: " +
                 joined(said.error())});
        return lines;
    }
    for (std::string& text : said->warnings) lines.push_back(warning(std::move(text)));
    if (said->settings == current_) return lines;
    current_ = said->settings;
    lines.push_back({ConsumeNote::Kind::change, "Reread the consume configuration " +
                                                    file_.string() + ": " + described(current_)});
    return lines;
}

ConsumeConfig::Version ConsumeConfig::version() const {
    struct stat status {};
    if (::stat(file_.c_str(), &status) != 0) return {};
    constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
    return {.modified_ns = status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec,
            .inode = status.st_ino,
            .size_bytes = status.st_size};
}

tl::expected<ConsumeConfig::Said, std::vector<Error>> ConsumeConfig::read() const {
    auto file = read_dotenv(file_);
    if (!file) return tl::unexpected(std::move(file.error()));
    Said said{fallback_, {}};
    if (!*file) return said;

    said.warnings = std::move((*file)->warnings);
    std::vector<Error> errors;
    for (const DotenvEntry& entry : (*file)->entries) {
        const std::string place = file_.string() + ":" + std::to_string(entry.line) + ": ";
        if (std::ranges::find(kNames, entry.name) == kNames.end()) {
            said.warnings.push_back(
                place + entry.name +
                " has no effect in this file, which may set "
                "EXIT_WHEN_FINISHED, LISTEN_INTERVAL, PAUSED and VISIBILITY_TIMEOUT" +
                did_you_mean(entry.name, kNames));
            continue;
        }
        if (entry.value.empty()) continue;
        const Option& option = *find_option(entry.name);
        auto value = check_value(option, entry.value);
        if (value) {
            apply(said.settings, entry.name, *value);
        } else {
            errors.push_back({ErrorKind::configuration, place + entry.name + "=" +
                                                            shown_value(option, entry.value) +
                                                            ": " + value.error()});
        }
    }
    if (!errors.empty()) return tl::unexpected(std::move(errors));
    return said;
}

}  // namespace rococo
