// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo/configuration/options.hpp"

namespace rococo {

/// Variables and their values.
using Environment = std::map<std::string, std::string, std::less<>>;

/// A copy of this process's environment.
[[nodiscard]] Environment process_environment();

/// An option's value and where it came from.
struct Setting {
    const Option* option = nullptr;
    std::string name;        ///< The variable: `option->name`, or the actual one of a pattern.
    std::string value;       ///< Normalised: a choice in the table's spelling, quotes removed.
    std::string origin;      ///< `environment`, `.env.secrets:3`, `.env:12`, `default`,
                             ///< `/run/secrets/password (RABBITMQ_PASSWORD_FILE)`.
    bool is_default = true;  ///< Nobody gave a value, or an empty one.
};

/// The values of all options, from the environment first, then `.env.secrets`, then `.env` of the
/// service's folder, then the table's defaults.
///
/// Any option `NAME` can be given as `NAME_FILE`, the path of a file that holds the value (one line
/// break at its end is removed), where `NAME_FILE` is not an option itself. Both of them in the
/// same source are an error; in different sources the one that comes first counts. An empty value
/// means the default.
///
/// Loading never stops at the first fault: `errors()` has all of them, each naming the variable,
/// its value (`***` for a secret), where it came from and what is allowed. With errors, the wrong
/// options have their defaults, so that the rest can still be shown.
///
/// The getters take the name of an option of the table; a name that is not there, or a getter that
/// does not fit its type, is a bug and throws `std::logic_error`.
///
/// **Thread-safety**: immutable after `load`.
class Configuration {
public:
    /// Reads and checks everything. `folder` is the service's folder.
    [[nodiscard]] static Configuration load(const Environment& environment,
                                            const std::filesystem::path& folder);

    /// All that is wrong, of kind `configuration`; the host must not start unless it is empty.
    [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }
    /// What is allowed and probably not meant, one line each, without secrets.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    /// Whether somebody gave a value that is not empty.
    [[nodiscard]] bool is_set(std::string_view name) const;
    /// Whether there is a value, given or default.
    [[nodiscard]] bool has(std::string_view name) const;

    /// The value as text, of any type; empty where there is none.
    [[nodiscard]] const std::string& text(std::string_view name) const;
    /// An integer's value. Throws where there is none or it is a word such as `auto`: ask `text`.
    [[nodiscard]] std::int64_t integer(std::string_view name) const;
    /// A decimal's value. Throws as `integer` does.
    [[nodiscard]] double decimal(std::string_view name) const;
    /// A boolean's value; false where there is none.
    [[nodiscard]] bool boolean(std::string_view name) const;
    /// A duration's value. Throws as `integer` does.
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const;
    /// A path, absolute or under the service's folder; empty where there is none.
    [[nodiscard]] std::filesystem::path path(std::string_view name) const;

    /// `QUEUE_NAME_PREFIX` and the value of `<ProcessorType>_QUEUE_NAME`. A missing one is an error
    /// that names the variable to set and the similar ones that are set.
    [[nodiscard]] Result<std::string> queue_name(std::string_view processor_type) const;

    /// Every option in the table's order; a pattern's row is replaced by the variables that fit it.
    [[nodiscard]] const std::vector<Setting>& settings() const { return settings_; }
    /// The value and origin of one option; null for a pattern's variable that is not set.
    [[nodiscard]] const Setting* find(std::string_view name) const;

    /// An error about an option's value, worded as those of `load` are:
    /// `CRON_RUN_AT=25:00 (.env:4): <problem>`.
    [[nodiscard]] Error invalid(std::string_view name, std::string_view problem) const;

    /// What the `.env` files add to the environment (ours and the service's own variables): a host
    /// exports it, so that a service finds it with `getenv`, as the original does.
    [[nodiscard]] const Environment& additional_environment() const { return additional_; }

    /// The service's folder, as given.
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

private:
    [[nodiscard]] const Setting& setting(std::string_view name, OptionType type) const;

    std::filesystem::path folder_;
    std::vector<Setting> settings_;
    std::map<std::string, std::size_t, std::less<>> index_;
    std::vector<Error> errors_;
    std::vector<std::string> warnings_;
    Environment additional_;
};

}  // namespace rococo
