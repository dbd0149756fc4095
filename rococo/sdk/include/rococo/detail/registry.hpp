// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "rococo/abi.h"
#include "rococo/detail/trampoline.hpp"

namespace rococo::detail {

/// This library's processors, in registration order. Services are built with hidden visibility, so
/// each library has its own list.
inline std::vector<const rococo_processor*>& registered_processors() {
    static std::vector<const rococo_processor*> processors;
    return processors;
}

/// Registers a processor when the library is loaded. ROCOCO_PROCESSOR defines one.
template <typename Processor>
struct Registration {
    Registration(const char* type, const char* module)
        : processor{sizeof(rococo_processor),
                    type,
                    module,
                    Trampoline<Processor>::kKind,
                    &Trampoline<Processor>::create,
                    &Trampoline<Processor>::process,
                    &Trampoline<Processor>::destroy} {
        registered_processors().push_back(&processor);
    }

    rococo_processor processor;
};

/// `Type` of `shop::orders::Type`.
constexpr const char* unqualified(const char* type) {
    const char* name = type;
    for (const char* at = type; *at != '\0'; ++at) {
        if (*at == ':') name = at + 1;
    }
    return name;
}

}  // namespace rococo::detail
