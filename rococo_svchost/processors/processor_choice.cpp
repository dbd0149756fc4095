// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/processor_choice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace rococo::svchost {

namespace {

using Candidates = std::vector<ProcessorInfo>;

template <typename Predicate>
Candidates only(const Candidates& candidates, Predicate predicate) {
    Candidates kept;
    std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(kept), predicate);
    return kept;
}

std::string names(const Candidates& candidates) {
    std::string text;
    for (const ProcessorInfo& one : candidates)
        text += fmt::format("{}{} of {}", text.empty() ? "" : ", ", one.type, one.module);
    return text;
}

tl::unexpected<Error> refuse_work(const Service& service, Work work, const Candidates& candidates) {
    const std::string advice =
        work == Work::messages
            ? "it runs on a schedule: set EXECUTION_TYPE=CRON, or derive it from "
              "rococo::messaging::BaseServiceProcessor"
            : "it handles messages: set EXECUTION_TYPE=MESSAGING, or give it a 'void process()' "
              "and no base class";
    return failure(ErrorKind::configuration,
                   fmt::format("{} cannot be used for {} ({}): {}", names(candidates),
                               work == Work::messages ? "messages" : "a schedule",
                               service.path().string(), advice));
}

/// A variable that selects processors, and whether it matches any.
struct Wish {
    std::string_view variable;
    std::string_view value;
    std::string_view thing;  ///< What it names, such as a module.
    bool names_something = true;
};

/// Keeps the processors that the wish matches, or all if it matches none.
template <typename Predicate>
void apply(Wish& wish, Candidates& left, Predicate predicate) {
    if (wish.value.empty()) return;
    Candidates kept = only(left, predicate);
    wish.names_something = !kept.empty();
    if (wish.names_something) left = std::move(kept);
}

tl::unexpected<Error> refuse_wish(const Wish& wish, const Service& service, const Candidates& all) {
    return failure(ErrorKind::configuration,
                   fmt::format("{}={}: {} has no such {}; it has {}", wish.variable, wish.value,
                               service.path().string(), wish.thing, names(all)));
}

tl::unexpected<Error> refuse_several(const Service& service, const Candidates& several) {
    const auto same = [&](auto member) {
        return std::ranges::all_of(
            several, [&](const auto& one) { return one.*member == several.front().*member; });
    };
    const bool one_type = same(&ProcessorInfo::type);
    const bool one_module = same(&ProcessorInfo::module);
    const auto& first = several.front();
    return failure(ErrorKind::configuration,
                   fmt::format("{} has several processors: {}. Choose one with {}, for example {}",
                               service.path().string(), names(several),
                               one_type     ? "PROCESSOR_MODULE"
                               : one_module ? "PROCESSOR_TYPE"
                                            : "PROCESSOR_TYPE or PROCESSOR_MODULE",
                               one_type ? fmt::format("PROCESSOR_MODULE={}", first.module)
                                        : fmt::format("PROCESSOR_TYPE={}", first.type)));
}

}  // namespace

Result<ChosenProcessor> choose_processor(const Service& service, Work work,
                                         std::string_view processor_module,
                                         std::string_view processor_type) {
    const Candidates& all = service.processors();
    Candidates left = all;
    Wish module{"PROCESSOR_MODULE", processor_module, "module"};
    Wish type{"PROCESSOR_TYPE", processor_type, "processor"};
    apply(module, left, [&](const auto& one) { return one.module == processor_module; });
    apply(type, left, [&](const auto& one) { return one.type == processor_type; });
    // Each matches something, but not the same processor, so it is unclear which one is meant.
    const bool apart =
        !type.names_something && left.size() < all.size() &&
        std::ranges::any_of(all, [&](const auto& one) { return one.type == processor_type; });
    if (apart) {
        return failure(
            ErrorKind::configuration,
            fmt::format("PROCESSOR_MODULE={} and PROCESSOR_TYPE={} do not go together: "
                        "{} has {}",
                        processor_module, processor_type, service.path().string(), names(all)));
    }

    const Candidates able = only(left, [&](const auto& one) { return one.work == work; });
    if (able.empty()) return refuse_work(service, work, left);
    left = able;
    const bool one_file = std::ranges::all_of(
        left, [&](const auto& one) { return one.module == left.front().module; });
    if (one_file && left.size() > 1 && type.names_something) {
        const Candidates services =
            only(left, [](const auto& one) { return one.type.ends_with("ServiceProcessor"); });
        if (services.size() == 1) left = services;
    }
    ChosenProcessor chosen{left.front(), {}};
    for (const Wish& wish : {module, type}) {
        if (wish.names_something) continue;
        if (left.size() > 1) return refuse_wish(wish, service, all);
        chosen.notes.push_back(fmt::format(
            "{}={} names no {} of this service and has no effect: {} of {} is used", wish.variable,
            wish.value, wish.thing, chosen.processor.type, chosen.processor.module));
    }
    if (left.size() > 1) return refuse_several(service, left);
    return chosen;
}

}  // namespace rococo::svchost
