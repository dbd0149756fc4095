// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo/abi.h"
#include "rococo/logger.hpp"

namespace rococo {

namespace detail {

/// The host's functions as this library knows them: handed over once, before any processor is made.
struct AttachedHost {
    Logger::Sink sink{};
    Logger logger;  // drops every line until the host is attached

    void attach(const rococo_host& host) {
        sink = {host.self, host.log_enabled, host.log_write};
        logger = Logger(&sink);
    }
};

inline AttachedHost attached_host;

}  // namespace detail

/// The logger of this service: lines go where the host's lines go, in the same form.
///
/// **Thread-safety**: may be used from any thread once the service is loaded.
[[nodiscard]] inline const Logger& logger() { return detail::attached_host.logger; }

}  // namespace rococo
