// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "rococo/configuration/configuration.hpp"

namespace rococo {

/// A setting's value for people: `***` for a secret, without user name and password where it is a
/// URL. Empty if there is none.
[[nodiscard]] std::string displayed_value(const Setting& setting);

/// The effective values as a table for a terminal, under headings: variable, value, origin. Secrets
/// are `***`. With `all`, options without a value are listed too. Values that do not fit into
/// `columns` (if given) go on the line below their variable.
[[nodiscard]] std::string render_text(const Configuration& configuration, bool all = false,
                                      std::optional<std::size_t> columns = std::nullopt);

/// The same as JSON: an object with `settings` (an array of objects with `name`, `value`, `origin`,
/// `default`, `secret`, `group`), `errors` and `warnings` (arrays of text).
[[nodiscard]] std::string render_json(const Configuration& configuration);

/// The text of `docs/CONFIGURATION.md`, generated from the table alone.
[[nodiscard]] std::string render_markdown();

}  // namespace rococo
