// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo/abi.h"
#include "rococo/logger.hpp"

namespace rococo {

namespace detail {

/// The host's functions. The host passes them in once, before it creates any processor.
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

/// The service's logger. Its lines go to the same place as the host's, in the same format.
///
/// **Thread-safety**: may be used from any thread once the service is loaded.
[[nodiscard]] inline const Logger& logger() { return detail::attached_host.logger; }

}  // namespace rococo
