// SPDX-License-Identifier: MIT
#include "rococo/configuration/consume_config.hpp"

#include <sys/stat.h>

#include <utility>

#include "option_value.hpp"
#include "rococo/configuration/dotenv.hpp"
#include "rococo/configuration/duration.hpp"

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
           ", LISTEN_INTERVAL=" + format_duration(settings.listen_interval) +
           ", VISIBILITY_TIMEOUT=" + format_duration(settings.visibility_timeout);
}

bool has_meaning_here(std::string_view name) {
    return name == "EXIT_WHEN_FINISHED" || name == "LISTEN_INTERVAL" ||
           name == "VISIBILITY_TIMEOUT";
}

/// Puts a checked value where it belongs.
void apply(ConsumeSettings& settings, std::string_view name, std::string_view value) {
    if (name == "EXIT_WHEN_FINISHED") {
        settings.exit_when_finished = parse_boolean(value).value_or(false);
    } else if (name == "LISTEN_INTERVAL") {
        settings.listen_interval = parse_duration(value).value_or(settings.listen_interval);
    } else {
        settings.visibility_timeout = parse_duration(value).value_or(settings.visibility_timeout);
    }
}

}  // namespace

ConsumeConfig::ConsumeConfig(std::filesystem::path file, ConsumeSettings fallback)
    : file_(std::move(file)), fallback_(fallback), current_(fallback) {}

Result<ConsumeConfig> ConsumeConfig::open(const Configuration& configuration) {
    ConsumeConfig config(configuration.path("CONSUME_CONFIG_FILE_PATH"),
                         {.exit_when_finished = configuration.boolean("EXIT_WHEN_FINISHED"),
                          .listen_interval = configuration.duration("LISTEN_INTERVAL"),
                          .visibility_timeout = configuration.duration("VISIBILITY_TIMEOUT")});
    if (config.file_.empty()) return config;
    config.version_ = config.version();
    auto said = config.read();
    if (!said) {
        return failure(ErrorKind::configuration,
                       "CONSUME_CONFIG_FILE_PATH: " + joined(said.error()));
    }
    config.current_ = said->settings;
    config.pending_ = std::move(said->warnings);
    if (config.version_ == Version{}) {
        config.pending_.push_back("CONSUME_CONFIG_FILE_PATH: there is no file " +
                                  config.file_.string() + "; it is read as soon as there is one");
    }
    return config;
}

std::vector<std::string> ConsumeConfig::refresh() {
    std::vector<std::string> lines = std::exchange(pending_, {});
    if (file_.empty()) return lines;
    // The version before the text: a change in between is seen again at the next refresh.
    const Version now = version();
    if (now == version_) return lines;
    version_ = now;
    auto said = read();
    if (!said) {
        lines.push_back("The consume configuration is wrong, its last good values stay in force: " +
                        joined(said.error()));
        return lines;
    }
    for (std::string& warning : said->warnings) lines.push_back(std::move(warning));
    if (said->settings == current_) return lines;
    current_ = said->settings;
    lines.push_back("Read the consume configuration " + file_.string() +
                    " again: " + described(current_));
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
    if (!file) return tl::make_unexpected(std::move(file.error()));
    Said said{fallback_, {}};
    if (!*file) return said;

    said.warnings = std::move((*file)->warnings);
    std::vector<Error> errors;
    for (const DotenvEntry& entry : (*file)->entries) {
        const std::string place = file_.string() + ":" + std::to_string(entry.line) + ": ";
        if (!has_meaning_here(entry.name)) {
            said.warnings.push_back(place + entry.name + " has no effect in this file");
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
    if (!errors.empty()) return tl::make_unexpected(std::move(errors));
    return said;
}

}  // namespace rococo
