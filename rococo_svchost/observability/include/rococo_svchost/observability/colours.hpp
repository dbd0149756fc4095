// SPDX-License-Identifier: MIT
#pragma once

namespace rococo::svchost {

/// Whether to write colours to this descriptor: it is a terminal, TERM is not `dumb`, and NO_COLOR
/// is unset or empty (https://no-color.org).
[[nodiscard]] bool has_colours(int descriptor);

}  // namespace rococo::svchost
