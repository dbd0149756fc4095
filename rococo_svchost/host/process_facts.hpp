// SPDX-License-Identifier: MIT
#pragma once

#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// What the system says of this process and of its children, which are the processes of processors
/// and programs. What cannot be read is zero.
///
/// **Thread-safety**: any thread.
[[nodiscard]] ProcessFacts process_facts();

}  // namespace rococo::svchost
