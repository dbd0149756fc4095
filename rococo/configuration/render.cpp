// SPDX-License-Identifier: MIT
#include "rococo/configuration/render.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "option_value.hpp"
#include "rococo/base/printable.hpp"

namespace rococo {
namespace {

/// Longer values do not widen the column, so that the others stay in view.
constexpr std::size_t kWidestValue = 40;
/// With less room than this, every value goes on the line below its variable.
constexpr std::size_t kLeastValue = 8;
/// The width of `environment`.
constexpr std::size_t kUsualOrigin = 11;

std::string displayed(const Setting& setting) {
    return setting.value.empty() ? "-" : displayed_value(setting);
}

/// The width on a terminal, counting each code point as one column.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void append_padded(std::string& line, std::string_view text, std::size_t columns) {
    line += text;
    if (const std::size_t used = width(text); used < columns) line.append(columns - used, ' ');
    line += "  ";
}

std::string setting_line(const Setting& setting, std::size_t name_columns,
                         std::size_t value_columns, std::optional<std::size_t> columns) {
    std::string line = "  ";
    append_padded(line, printable(setting.name), name_columns);
    append_padded(line, displayed(setting), value_columns);
    line += printable(setting.origin);
    if (!columns || width(line) <= *columns) return line + "\n";
    line = "  " + printable(setting.name) + "\n      " + displayed(setting);
    const bool fits = width(displayed(setting)) + width(setting.origin) + 8 <= *columns;
    return line + (fits ? "  " : "\n      ") + printable(setting.origin) + "\n";
}

std::string markdown_cell(std::string_view text) {
    std::string cell;
    for (const char c : text) {
        if (c == '|' || c == '<') cell += '\\';
        cell += c;
    }
    return cell;
}

std::string type_cell(const Option& option) {
    std::string text = option.type == OptionType::choice ? "" : allowed_text(option);
    // Without the examples, which would be the same in each row.
    if (option.type == OptionType::duration) text = text.substr(0, text.find(" (250ms"));
    if (option.type == OptionType::size) text = text.substr(0, text.find(" (65536"));
    if (option.type == OptionType::choice) {
        for (const std::string_view word : choices_of(option)) {
            text += (text.empty() ? "`" : ", `") + std::string(word) + "`";
        }
    }
    return text + (option.secret ? "; secret" : "");
}

std::string markdown_row(const Option& option) {
    std::string row = "| `" + std::string(option.name) + "`" + (option.original ? "" : " ⁺");
    row += " | " + type_cell(option);
    row += " | " + (option.fallback.empty() ? "" : "`" + std::string(option.fallback) + "`");
    return row + " | " + markdown_cell(option.help) + " |\n";
}

constexpr std::string_view kMarkdownStart =
    R"(<!-- Made by `svchost config --markdown` from the table of options in the code. Do not edit. -->
# Configuration

All variables that `svchost` knows. `svchost config` shows the current values and where each comes
from; `svchost check` tries them out.

## Where values come from

1. The environment.
2. `.env.secrets` in the service's folder.
3. `.env` in the service's folder.
4. The default.

The first source that sets a variable wins. An empty value means the default. Instead of any variable
`NAME` you can set `NAME_FILE` to the path of a file that holds the value, as Docker and Kubernetes
mount secrets; one line break at the end of the file is removed. Setting both in the same source is
an error. Relative paths are relative to the service's folder. Variables from the files are exported
to the service, except those that the environment already sets.

A file is UTF-8 text of at most 1 MiB, with one variable per line:

```sh
# a comment
NAME=value                   # up to a space followed by #
export NAME=value            # the same
NAME='as it stands'
NAME="with \n, \t, \", \\ and \$; may span several lines"
```

Values are not expanded (`${OTHER}` stays as it is). If a variable is set twice, the last one wins.

## How values are written

- **Durations**: `250ms`, `30s`, `5m`, `2h`, `1d`, `1.5h`; a bare number is seconds.
- **true or false**: `1`, `true`, `yes`, `on`; `0`, `false`, `no`, `off`; in any case.
- **Numbers**: digits, without spaces, `+` or exponents.
- **Choices**: as listed, in upper or lower case (`cron` means `CRON`).
- **Quotes**: `docker run --env-file` keeps the quotes around a value. They are removed, with a
  warning.

All errors are reported at once, before anything connects, and the host exits with 78. Secrets are
shown as `***` everywhere. Variables marked ⁺ are new; the Python original has the others.
)";

}  // namespace

std::string displayed_value(const Setting& setting) {
    // A secret's default is masked as well; its origin shows that it is the default.
    return setting.value.empty() ? "" : shown_value(*setting.option, setting.value);
}

std::string render_text(const Configuration& configuration, bool all,
                        std::optional<std::size_t> columns) {
    std::vector<const Setting*> shown;
    for (const Setting& setting : configuration.settings()) {
        if (all || !setting.value.empty()) shown.push_back(&setting);
    }
    std::size_t name_columns = 0;
    std::size_t value_columns = 0;
    for (const Setting* setting : shown) {
        name_columns = std::max(name_columns, width(printable(setting->name)));
        value_columns = std::max(value_columns, width(displayed(*setting)));
    }
    value_columns = std::min(value_columns, kWidestValue);
    if (columns) {  // either names and origins all fit beside the values, or none do
        const std::size_t others = name_columns + kUsualOrigin + 6;
        value_columns = *columns >= others + kLeastValue
                            ? std::min(value_columns, *columns - others)
                            : *columns;
    }

    std::string text;
    const Setting* previous = nullptr;
    for (const Setting* setting : shown) {
        if (previous == nullptr || previous->option->group != setting->option->group) {
            text += (previous == nullptr ? "" : "\n");
            text += std::string(heading(setting->option->group)) + "\n";
        }
        text += setting_line(*setting, name_columns, value_columns, columns);
        previous = setting;
    }
    return text;
}

std::string render_json(const Configuration& configuration) {
    nlohmann::ordered_json document;
    document["settings"] = nlohmann::ordered_json::array();
    for (const Setting& setting : configuration.settings()) {
        const bool hidden = setting.option->secret && !setting.value.empty();
        nlohmann::ordered_json entry;
        entry["name"] = setting.name;
        entry["value"] = hidden ? "***" : without_user_information(setting.value);
        entry["origin"] = setting.origin;
        entry["default"] = setting.is_default;
        entry["secret"] = setting.option->secret;
        entry["group"] = heading(setting.option->group);
        document["settings"].push_back(std::move(entry));
    }
    document["errors"] = nlohmann::ordered_json::array();
    for (const Error& error : configuration.errors()) document["errors"].push_back(error.message);
    document["warnings"] = configuration.warnings();
    constexpr int kIndent = 2;
    // File names in origins may not be UTF-8.
    return document.dump(kIndent, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string render_markdown() {
    std::string text(kMarkdownStart);
    const Option* previous = nullptr;
    for (const Option& option : options()) {
        if (previous == nullptr || previous->group != option.group) {
            text += "\n## " + std::string(heading(option.group)) + "\n\n";
            text += "| variable | value | default | meaning |\n|---|---|---|---|\n";
        }
        text += markdown_row(option);
        previous = &option;
    }
    return text;
}

}  // namespace rococo
