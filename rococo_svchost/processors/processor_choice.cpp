// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "rococo_svchost/processors/service_library.hpp"

namespace rococo::svchost {

namespace {

using Candidates = std::vector<const rococo_processor*>;

template <typename Predicate>
Candidates only(const Candidates& candidates, Predicate predicate) {
    Candidates kept;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(kept), predicate);
    return kept;
}

/// Keeps those that fit, unless none does: a preference, not a condition.
template <typename Predicate>
void prefer(Candidates& candidates, Predicate predicate) {
    if (Candidates preferred = only(candidates, predicate); !preferred.empty()) {
        candidates = std::move(preferred);
    }
}

std::string names(const Candidates& candidates) {
    std::vector<std::string> names;
    for (const rococo_processor* processor : candidates) {
        names.push_back(fmt::format("{} of {}", processor->type, processor->module));
    }
    return fmt::format("{}", fmt::join(names, ", "));
}

bool fits(const rococo_processor& processor, Work work) {
    return (processor.kind == ROCOCO_CRON) == (work == Work::schedule);
}

tl::unexpected<Error> refuse_work(const ServiceLibrary& library, Work work,
                                  const Candidates& candidates) {
    const std::string advice =
        work == Work::messages
            ? "it works on a schedule: set EXECUTION_TYPE=CRON, or derive it from "
              "rococo::messaging::BaseServiceProcessor"
            : "it handles messages: set EXECUTION_TYPE=MESSAGING, or give it a 'void process()' "
              "and "
              "no base class";
    return failure(ErrorKind::configuration,
                   fmt::format("{} cannot be used for {} ({}): {}", names(candidates),
                               work == Work::messages ? "messages" : "a schedule",
                               library.path().string(), advice));
}

}  // namespace

Result<const rococo_processor*> choose_processor(const ServiceLibrary& library, Work work,
                                                 std::string_view processor_module,
                                                 std::string_view processor_type) {
    const Candidates all(library.processors().begin(), library.processors().end());
    Candidates left = all;
    if (!processor_module.empty()) {
        left = only(left, [&](const auto* p) { return p->module == processor_module; });
        if (left.empty()) {
            return failure(ErrorKind::configuration,
                           fmt::format("PROCESSOR_MODULE={}: {} has no such module; it has {}",
                                       processor_module, library.path().string(), names(all)));
        }
    }
    if (!processor_type.empty()) {
        left = only(left, [&](const auto* p) { return p->type == processor_type; });
        if (left.empty()) {
            return failure(ErrorKind::configuration,
                           fmt::format("PROCESSOR_TYPE={}: {} has no such processor; it has {}",
                                       processor_type, library.path().string(), names(all)));
        }
    }
    const Candidates able = only(left, [&](const auto* p) { return fits(*p, work); });
    if (able.empty()) return refuse_work(library, work, left);
    left = able;

    const std::string default_module = std::string(library.package()) + ".processor";
    prefer(left, [&](const auto* p) { return p->module == default_module; });
    prefer(left,
           [](const auto* p) { return std::string_view(p->type).ends_with("ServiceProcessor"); });
    if (left.size() > 1) {
        return failure(ErrorKind::configuration,
                       fmt::format("{} has several processors: {}. Choose one with PROCESSOR_TYPE",
                                   library.path().string(), names(left)));
    }
    return left.front();
}

}  // namespace rococo::svchost
