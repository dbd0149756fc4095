// SPDX-License-Identifier: MIT
#include "rococo/configuration/configuration.hpp"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <stdexcept>
#include <utility>

#include "option_value.hpp"
#include "rococo/base/size_text.hpp"
#include "rococo/base/text.hpp"
#include "rococo/configuration/dotenv.hpp"
#include "rococo/configuration/duration.hpp"
#include "rococo/configuration/suggestion.hpp"
#include "text_file.hpp"
#include "unknown_variables.hpp"

namespace rococo {
namespace {

constexpr std::string_view kFileEnding = "_FILE";

/// A value as given, before validation.
struct Given {
    std::string value;
    std::string origin;
};

/// One source of values.
struct Source {
    bool is_environment = false;
    std::map<std::string, Given, std::less<>> values;

    [[nodiscard]] const Given* find(std::string_view name) const {
        const auto found = values.find(name);
        return found == values.end() ? nullptr : &found->second;
    }
};

/// Whether one pair of quotes is around the whole value, which `docker run --env-file` does not
/// remove. Those of a command such as `'a' 'b'` are a part of it.
bool has_literal_quotes(std::string_view value) {
    return value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
           value.find(value.front(), 1) == value.size() - 1;
}

std::string at(std::string_view name, std::string_view shown, std::string_view origin) {
    // Quotes show blanks around the value, which are often what is wrong with it.
    const bool blanks = !shown.empty() && (shown.front() == ' ' || shown.back() == ' ');
    const std::string quote(blanks ? "'" : "");
    return std::string(name) + "=" + quote + std::string(shown) + quote + " (" +
           std::string(origin) + "): ";
}

/// Collects the values and errors of one `load`, from the sources in order.
class Loader {
public:
    Loader(const Environment& environment, const std::filesystem::path& folder) : folder_(folder) {
        Source& process = sources_.emplace_back();
        process.is_environment = true;
        for (const auto& [name, value] : environment) {
            process.values[name] = {value, "environment"};
        }
        add_file(folder / ".env.secrets");
        add_file(folder / ".env");
    }

    /// The setting of one variable: the first value given, validated, or the default.
    Setting resolve(const Option& option, const std::string& name) {
        Setting setting{&option, name, std::string(option.fallback), "default", true, false};
        const std::optional<Given> given = find_value(option, name);
        if (!given || given->value.empty()) return setting;
        auto value = check_value(option, given->value);
        if (!value) {
            error(at(name, shown_value(option, given->value), given->origin) + value.error());
            setting.is_wrong = true;
            return setting;
        }
        setting.value = std::move(*value);
        setting.origin = given->origin;
        setting.is_default = false;
        return setting;
    }

    /// The variables that match a pattern row, sorted.
    [[nodiscard]] std::set<std::string> matches(const Option& pattern) const {
        std::set<std::string> names;
        for (const Source& source : sources_) {
            for (const auto& [name, given] : source.values) {
                std::string_view stem = name;
                if (find_option(stem) == nullptr && stem.ends_with(kFileEnding)) {
                    stem.remove_suffix(kFileEnding.size());
                }
                if (find_option(stem) == &pattern) names.emplace(stem);
            }
        }
        return names;
    }

    /// The variables that are in the files but not in the environment.
    [[nodiscard]] Environment additional() const {
        Environment variables;
        for (const Source& source : sources_) {
            if (source.is_environment) continue;
            for (const auto& [name, given] : source.values) {
                if (sources_.front().find(name) == nullptr) variables.emplace(name, given.value);
            }
        }
        return variables;
    }

    void warn_of_unknown() {
        VariableOrigins origins;
        for (const Source& source : sources_) {
            for (const auto& [name, given] : source.values) origins.emplace(name, given.origin);
        }
        for (std::string& line : unknown_variable_warnings(origins)) {
            warnings.push_back(std::move(line));
        }
    }

    std::vector<Error> errors;
    std::vector<std::string> warnings;

private:
    void add_file(const std::filesystem::path& path) {
        Source& source = sources_.emplace_back();
        const std::filesystem::path shown = path.lexically_normal();
        auto file = read_dotenv(shown);
        if (!file) {
            for (Error& one : file.error()) errors.push_back(std::move(one));
            return;
        }
        if (!*file) return;
        for (std::string& line : (*file)->warnings) warnings.push_back(std::move(line));
        for (DotenvEntry& entry : (*file)->entries) {
            source.values[entry.name] = {std::move(entry.value),
                                         shown.string() + ":" + std::to_string(entry.line)};
        }
    }

    std::optional<Given> find_value(const Option& option, const std::string& name) {
        const std::string file_name = name + std::string(kFileEnding);
        const bool takes_file = find_option(file_name) == nullptr;
        for (const Source& source : sources_) {
            const Given* value = source.find(name);
            const Given* file = takes_file ? source.find(file_name) : nullptr;
            if (file != nullptr && file->value.empty()) file = nullptr;
            if (value != nullptr && value->value.empty() && file != nullptr) value = nullptr;
            if (value != nullptr && file != nullptr) {
                std::string& both = error(name);
                both.append(" (").append(value->origin).append(") and ").append(file_name);
                both.append(" (").append(file->origin).append(") are both set; remove one of them");
                return std::nullopt;
            }
            const auto plain = [&](const std::string& variable, const Given& given) {
                return source.is_environment ? unquoted(variable, given) : given;
            };
            if (value != nullptr) return plain(name, *value);
            if (file != nullptr) return read_value_file(option, file_name, plain(file_name, *file));
        }
        return std::nullopt;
    }

    Given unquoted(const std::string& name, Given given) {
        if (!has_literal_quotes(given.value)) return given;
        warnings.push_back(name + " (" + given.origin +
                           ") is wrapped in quotes, which docker run --env-file does not remove; "
                           "they were removed here. Delete them from the file to be sure");
        given.value = given.value.substr(1, given.value.size() - 2);
        return given;
    }

    std::optional<Given> read_value_file(const Option& option, const std::string& file_name,
                                         const Given& given) {
        const std::filesystem::path path = folder_ / given.value;
        auto text = read_text_file(path);
        const std::string where = at(file_name, given.value, given.origin);
        if (!text) {
            std::string_view why = text.error().message;
            if (path == given.value) why.remove_prefix(path.string().size() + 2);  // said already
            error(where + std::string(why));
            return std::nullopt;
        }
        if (!*text) {
            error(where + "there is no such file");
            return std::nullopt;
        }
        std::string value = std::move(**text);
        if (value.ends_with('\n')) value.pop_back();
        if (value.ends_with('\r')) value.pop_back();
        if (value.empty() && option.secret) {
            error(where + "the file is empty");
            return std::nullopt;
        }
        return Given{std::move(value), path.string() + " (" + file_name + ")"};
    }

    std::string& error(std::string message) {
        return errors.emplace_back(Error{ErrorKind::configuration, std::move(message)}).message;
    }

    std::filesystem::path folder_;
    std::vector<Source> sources_;
};

[[noreturn]] void throw_misuse(std::string_view name, std::string_view what) {
    throw std::logic_error("option " + std::string(name) + " " + std::string(what));
}

}  // namespace

Environment process_environment() {
    Environment variables;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos || equals == 0) continue;
        variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return variables;
}

Configuration Configuration::load(const Environment& environment,
                                  const std::filesystem::path& folder) {
    Loader loader(environment, folder);
    Configuration configuration;
    configuration.folder_ = folder;
    const auto add = [&](const Option& option, const std::string& name) {
        configuration.index_.emplace(name, configuration.settings_.size());
        configuration.settings_.push_back(loader.resolve(option, name));
    };
    for (const Option& option : options()) {
        if (!option.is_pattern()) {
            add(option, std::string(option.name));
            continue;
        }
        for (const std::string& name : loader.matches(option)) add(option, name);
    }
    loader.warn_of_unknown();
    configuration.errors_ = std::move(loader.errors);
    configuration.warnings_ = std::move(loader.warnings);
    configuration.additional_ = loader.additional();
    return configuration;
}

const Setting* Configuration::find(std::string_view name) const {
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &settings_[found->second];
}

bool Configuration::is_set(std::string_view name) const {
    const Setting* found = find(name);
    if (found == nullptr && find_option(name) == nullptr) throw_misuse(name, "is not in the table");
    return found != nullptr && !found->is_default;
}

bool Configuration::has(std::string_view name) const { return !text(name).empty(); }

const std::string& Configuration::text(std::string_view name) const {
    static const std::string kNone;
    if (const Setting* found = find(name)) return found->value;
    if (find_option(name) == nullptr) throw_misuse(name, "is not in the table");
    return kNone;
}

const Setting& Configuration::setting(std::string_view name, OptionType type) const {
    const Setting* found = find(name);
    if (found == nullptr) throw_misuse(name, "is not in the table");
    if (found->option->type != type) throw_misuse(name, "has another type");
    return *found;
}

std::int64_t Configuration::integer(std::string_view name) const {
    const auto number = parse_number<std::int64_t>(setting(name, OptionType::integer).value);
    if (!number) throw_misuse(name, "has no numeric value; check has() or text() first");
    return *number;
}

bool Configuration::boolean(std::string_view name) const {
    return parse_boolean(setting(name, OptionType::boolean).value).value_or(false);
}

std::chrono::milliseconds Configuration::duration(std::string_view name) const {
    const auto length = parse_duration(setting(name, OptionType::duration).value);
    if (!length) throw_misuse(name, "has no duration as its value; check has() or text() first");
    return *length;
}

std::uint64_t Configuration::size(std::string_view name) const {
    const auto bytes = parse_size(setting(name, OptionType::size).value);
    if (!bytes) throw_misuse(name, "has no size as its value; check has() or text() first");
    return *bytes;
}

std::filesystem::path Configuration::path(std::string_view name) const {
    const std::string& value = setting(name, OptionType::path).value;
    return value.empty() ? std::filesystem::path{} : folder_ / value;
}

Result<std::string> Configuration::queue_name(std::string_view processor_type) const {
    constexpr std::string_view kEnding = "_QUEUE_NAME";
    const std::string variable = std::string(processor_type) + std::string(kEnding);
    if (const Setting* found = find(variable); found != nullptr && !found->value.empty()) {
        return text("QUEUE_NAME_PREFIX") + found->value;
    }
    std::vector<std::string_view> others;
    for (const Setting& other : settings_) {
        if (other.option->is_pattern() && !other.is_default) others.emplace_back(other.name);
    }
    std::string message = variable + " is not set: which queue does " +
                          std::string(processor_type) + " consume? Set it, for example " +
                          variable + "=orders, in the environment or in .env";
    if (const auto meant = closest(variable, others)) {
        message += "; did you mean " + std::string(*meant) + "?";
    } else if (!others.empty()) {
        message += "; " + std::string(others.front()) + " is set, but for another processor";
    }
    return failure(ErrorKind::configuration, std::move(message));
}

Error Configuration::invalid(std::string_view name, std::string_view problem) const {
    const Setting* found = find(name);
    if (found == nullptr) throw_misuse(name, "is not in the table");
    return {
        ErrorKind::configuration,
        at(name, shown_value(*found->option, found->value), found->origin) + std::string(problem)};
}

}  // namespace rococo
