// SPDX-License-Identifier: MIT
#include "rococo/configuration/render.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "option_value.hpp"

namespace rococo {
namespace {

/// Values longer than this do not push the other columns out of sight.
constexpr std::size_t kWidestValue = 40;

std::string displayed(const Setting& setting) {
    if (setting.value.empty()) return "-";
    // A secret's default is in the documentation; what counts is that nobody gave one.
    return shown_value(*setting.option, setting.value);
}

/// How many columns a terminal needs, taking each code point for one.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void append_padded(std::string& line, std::string_view text, std::size_t columns) {
    line += text;
    if (const std::size_t used = width(text); used < columns) line.append(columns - used, ' ');
    line += "  ";
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
    if (option.type == OptionType::duration) text = text.substr(0, text.find(" (250ms"));
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

Every variable that `svchost` knows. `svchost config` shows the values in force and where each comes
from; `svchost check` tries them out.

## Where values come from

1. The environment.
2. `.env.secrets` in the service's folder.
3. `.env` in the service's folder.
4. The default.

The first that names a variable counts. An empty value means the default. Every variable `NAME` can
be given as `NAME_FILE`, the path of a file that holds the value (one line break at its end is
removed), as Docker and Kubernetes mount secrets; both of them in the same place are an error.
Relative paths count from the service's folder. What the files say and the environment does not is
put into the environment that the service sees.

A file is UTF-8 text of at most 1 MiB with a variable a line:

```sh
# a comment
NAME=value                   # up to a blank followed by #
export NAME=value            # the same
NAME='as it stands'
NAME="with \n, \t, \", \\ and \$; may go on over several lines"
```

Values are not expanded (`${OTHER}` stays as it is). Of a variable given twice the last counts.

## How values are written

- **Durations**: `250ms`, `30s`, `5m`, `2h`, `1d`, `1.5h`; a bare number is seconds.
- **true or false**: `1`, `true`, `yes`, `on`; `0`, `false`, `no`, `off`; in any case.
- **Numbers**: digits, without blanks, `+` or exponents.
- **Choices**: as listed; another case is accepted and means the same (`cron` is `CRON`).
- Values wrapped in quotes by `docker run --env-file`, which leaves them in, lose them, with a
  warning.

All that is wrong is reported at once, before anything connects, and ends the host with 78. Secrets
are shown as `***` everywhere. Variables marked ⁺ are new; the others are those of the Python
original.
)";

}  // namespace

std::string render_text(const Configuration& configuration, bool all) {
    std::vector<const Setting*> shown;
    for (const Setting& setting : configuration.settings()) {
        if (all || !setting.value.empty()) shown.push_back(&setting);
    }
    std::size_t name_columns = 0;
    std::size_t value_columns = 0;
    for (const Setting* setting : shown) {
        name_columns = std::max(name_columns, setting->name.size());
        value_columns = std::max(value_columns, width(displayed(*setting)));
    }
    value_columns = std::min(value_columns, kWidestValue);

    std::string text;
    const Setting* previous = nullptr;
    for (const Setting* setting : shown) {
        if (previous == nullptr || previous->option->group != setting->option->group) {
            text += (previous == nullptr ? "" : "\n");
            text += std::string(heading(setting->option->group)) + "\n";
        }
        text += "  ";
        append_padded(text, setting->name, name_columns);
        append_padded(text, displayed(*setting), value_columns);
        text += setting->origin + "\n";
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
        entry["value"] = hidden ? "***" : setting.value;
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
    // File names in origins need not be UTF-8.
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
