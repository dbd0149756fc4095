// SPDX-License-Identifier: MIT
#include "shared_config.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqs {
namespace {

std::string location(const Variables& variables, std::string_view variable, std::string_view file) {
    if (auto path = variables(variable)) return *path;
    const auto home = variables("HOME");
    return home ? fmt::format("{}/.aws/{}", *home, file) : std::string();
}

Result<std::string> read_if_there(const std::string& path) {
    std::error_code error;
    if (path.empty() || !std::filesystem::exists(path, error)) return std::string();
    return read_small_file(path);
}

/// The profile that a section's header opens; none for sections of other kinds (`sso-session`).
std::optional<std::string> section_profile(std::string_view header, bool is_config_file) {
    header = trim(header);
    if (!is_config_file || header == "default") return std::string(header);
    if (!header.starts_with("profile ") && !header.starts_with("profile\t")) return std::nullopt;
    return std::string(trim(header.substr(8)));
}

/// Without a comment that begins after white space.
std::string_view without_comment(std::string_view value) {
    for (std::size_t i = 1; i < value.size(); ++i) {
        const bool comment = value[i] == '#' || value[i] == ';';
        if (comment && (value[i - 1] == ' ' || value[i - 1] == '\t')) return value.substr(0, i);
    }
    return value;
}

}  // namespace

Result<std::string> read_small_file(const std::string& path) {
    static constexpr std::size_t kMaxBytes = std::size_t{1024} * 1024;
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) {
        return failure(ErrorKind::configuration, fmt::format("'{}' is a directory.", path));
    }
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text;
    if (file) {
        text.resize(kMaxBytes);
        file.read(text.data(), static_cast<std::streamsize>(text.size()));
        text.resize(static_cast<std::size_t>(file.gcount()));
    }
    if (!file.is_open() || file.bad()) {
        return failure(ErrorKind::configuration,
                       fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
    }
    return text;
}

std::string profile_name(const Variables& variables) {
    return variables("AWS_PROFILE").value_or("default");
}

Result<SharedConfig> SharedConfig::load(const Variables& variables) {
    SharedConfig shared;
    // The credentials file last: it overwrites.
    ROCOCO_ASSIGN_OR_RETURN(const auto config,
                            read_if_there(location(variables, "AWS_CONFIG_FILE", "config")));
    ROCOCO_ASSIGN_OR_RETURN(
        const auto credentials,
        read_if_there(location(variables, "AWS_SHARED_CREDENTIALS_FILE", "credentials")));
    shared.read(config, true);
    shared.read(credentials, false);
    return shared;
}

std::optional<std::string> profile_setting(const Variables& variables, std::string_view key) {
    const auto shared = SharedConfig::load(variables);
    const auto* profile = shared ? shared->find(profile_name(variables)) : nullptr;
    if (profile == nullptr) return std::nullopt;
    const auto found = profile->find(key);
    return found == profile->end() ? std::nullopt : std::optional(found->second);
}

void SharedConfig::read(std::string_view text, bool is_config_file) {
    Profile* profile = nullptr;
    for (const auto line : split(text, '\n')) {
        const auto content = trim(line);
        if (content.empty() || content.front() == '#' || content.front() == ';') continue;
        if (content.front() == '[') {
            const auto close = std::min(content.find(']'), content.size());
            const auto name = section_profile(content.substr(1, close - 1), is_config_file);
            profile = name ? &profiles_[*name] : nullptr;
            continue;
        }
        // An indented line belongs to a nested block (`s3 =`), which is not needed here.
        const bool nested = line.front() == ' ' || line.front() == '\t';
        const auto equals = content.find('=');
        if (profile == nullptr || nested || equals == std::string_view::npos) continue;
        std::string key(trim(content.substr(0, equals)));
        (*profile)[key] = std::string(trim(without_comment(content.substr(equals + 1))));
    }
}

const Profile* SharedConfig::find(std::string_view name) const {
    const auto found = profiles_.find(name);
    return found == profiles_.end() ? nullptr : &found->second;
}

}  // namespace rococo::messaging::sqs
