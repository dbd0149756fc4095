// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/service.hpp"

namespace rococo::svchost {

/// The processor to use, and remarks on the choice for the operator.
struct ChosenProcessor {
    ProcessorInfo processor;
    /// Notes on variables that name nothing in the service and were ignored.
    std::vector<std::string> notes;
};

/// Chooses the processor that fits the work. If there are several, `processor_module` and
/// `processor_type` decide (empty: not set). Without them, if all are in one source file, it is the
/// one whose name ends in `ServiceProcessor`. A value that names nothing in the service, such as
/// one kept from the Python original, is ignored with a note if only one processor remains anyway.
/// **Errors**: kind `configuration`, with the candidates and the variables to set.
[[nodiscard]] Result<ChosenProcessor> choose_processor(const Service& service, Work work,
                                                       std::string_view processor_module,
                                                       std::string_view processor_type);

}  // namespace rococo::svchost
