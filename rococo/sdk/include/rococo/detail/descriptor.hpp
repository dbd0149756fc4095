// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/abi.h"
#include "rococo/detail/registry.hpp"
#include "rococo/service_logger.hpp"

namespace rococo::detail {

/// This library's descriptor, which `rococo_service_descriptor` returns. `package`, `version` and
/// `sdk_version` come from the service's build.
inline const rococo_service* describe(const char* package, const char* version,
                                      const char* sdk_version) {
    static const rococo_service service{
        ROCOCO_ABI_VERSION,
        sizeof(rococo_service),
        package,
        version,
        sdk_version,
        registered_processors().data(),
        registered_processors().size(),
        [](const rococo_host* host) { attached_host.attach(*host); }};
    return &service;
}

}  // namespace rococo::detail
