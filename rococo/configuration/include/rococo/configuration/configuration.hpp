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
    std::string name;        ///< The variable: `option->name`, or the one that matched a pattern.
    std::string value;       ///< Normalised: choices as the table spells them, quotes removed.
    std::string origin;      ///< `environment`, `.env.secrets:3`, `.env:12`, `default`,
                             ///< `/run/secrets/password (RABBITMQ_PASSWORD_FILE)`.
    bool is_default = true;  ///< No value was given, or an empty one.
    bool is_wrong = false;   ///< The given value is invalid and the default is used instead.
};

/// The values of all options. They come from the environment, then `.env.secrets`, then `.env` in
/// the service's folder, then the table's defaults.
///
/// Any option `NAME` can be given as `NAME_FILE`, the path of a file that holds the value (one line
/// break at the end is removed), unless `NAME_FILE` is itself an option. Setting both in the same
/// source is an error; in different sources the first source wins. An empty value means the
/// default.
///
/// Loading does not stop at the first error: `errors()` has all of them, each with the variable,
/// its value (`***` for a secret), its origin and what is allowed. Invalid options get their
/// defaults, so that the rest can still be shown.
///
/// The getters take the name of an option in the table. An unknown name or a getter of the wrong
/// type is a bug and throws `std::logic_error`.
///
/// **Thread-safety**: immutable after `load`.
class Configuration {
public:
    /// Reads and validates everything. `folder` is the service's folder.
    [[nodiscard]] static Configuration load(const Environment& environment,
                                            const std::filesystem::path& folder);

    /// All errors, of kind `configuration`. The host must not start unless this is empty.
    [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }
    /// Valid but probably unintended settings, one line each, without secrets.
    [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

    /// Whether a non-empty value was given.
    [[nodiscard]] bool is_set(std::string_view name) const;
    /// Whether there is a value, either given or by default.
    [[nodiscard]] bool has(std::string_view name) const;

    /// The value of an option of any type, as text; empty if there is none.
    [[nodiscard]] const std::string& text(std::string_view name) const;
    /// An integer's value. Throws if there is none or it is a word such as `auto`; check `text`
    /// first.
    [[nodiscard]] std::int64_t integer(std::string_view name) const;
    /// A boolean's value; false if there is none.
    [[nodiscard]] bool boolean(std::string_view name) const;
    /// A duration's value. Throws as `integer` does.
    [[nodiscard]] std::chrono::milliseconds duration(std::string_view name) const;
    /// In bytes.
    [[nodiscard]] std::uint64_t size(std::string_view name) const;
    /// A path, absolute or under the service's folder; empty if there is none.
    [[nodiscard]] std::filesystem::path path(std::string_view name) const;

    /// `QUEUE_NAME_PREFIX` followed by the value of `<ProcessorType>_QUEUE_NAME`. If the latter is
    /// missing, the error names the variable to set and similar ones that are set.
    [[nodiscard]] Result<std::string> queue_name(std::string_view processor_type) const;

    /// Every option, in the table's order. Pattern rows are replaced by the variables that match.
    [[nodiscard]] const std::vector<Setting>& settings() const { return settings_; }
    /// The value and origin of one option; null if it is a pattern's variable that is not set.
    [[nodiscard]] const Setting* find(std::string_view name) const;

    /// An error about an option's value, in the format that `load` uses: `CRON_RUN_AT=25:00
    /// (.env:4): <problem>`.
    [[nodiscard]] Error invalid(std::string_view name, std::string_view problem) const;

    /// The variables that the `.env` files add to the environment, including the service's own. The
    /// host exports them, so that a service can read them with `getenv`, as in the original.
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
