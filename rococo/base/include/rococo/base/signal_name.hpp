// SPDX-License-Identifier: MIT
#pragma once

#include <cstring>
#include <string>

namespace rococo {

/// `SIGSEGV`; `signal 40` where it has no name.
[[nodiscard]] inline std::string signal_name(int signal) {
    const char* const name = ::sigabbrev_np(signal);
    return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

}  // namespace rococo
