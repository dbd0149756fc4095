// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "rococo/configuration/configuration.hpp"

namespace rococo {

/// The effective values as a table for a terminal: variable, value, origin, under headings. Secrets
/// are `***`. With `all`, options without a value are shown too.
[[nodiscard]] std::string render_text(const Configuration& configuration, bool all = false);

/// The same for machines: a JSON object with `settings` (an array of objects with `name`, `value`,
/// `origin`, `default`, `secret`, `group`), `errors` and `warnings` (arrays of text).
[[nodiscard]] std::string render_json(const Configuration& configuration);

/// The reference of all options, made from the table alone: `docs/CONFIGURATION.md`.
[[nodiscard]] std::string render_markdown();

}  // namespace rococo
