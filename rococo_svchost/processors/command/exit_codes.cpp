// SPDX-License-Identifier: MIT
#include "exit_codes.hpp"

#include <fmt/format.h>
#include <sysexits.h>

#include <cstddef>
#include <optional>
#include <set>

#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost::command {

namespace {

std::optional<Verdict> verdict_of(std::string_view name) {
    if (name == "ack") return Verdict::ack;
    if (name == "retry") return Verdict::retry;
    if (name == "dead-letter") return Verdict::dead_letter;
    return std::nullopt;
}

}  // namespace

ExitCodes::ExitCodes() {
    verdicts_.fill(Verdict::retry);
    verdicts_.front() = Verdict::ack;
    verdicts_.at(EX_DATAERR) = Verdict::dead_letter;
}

Result<ExitCodes> ExitCodes::parse(std::string_view text) {
    ExitCodes codes;
    if (trim(text).empty()) return codes;
    std::set<int> seen;
    for (const std::string_view part : split(text, ',')) {
        const auto refuse = [&](std::string_view why) {
            return failure(ErrorKind::configuration,
                           fmt::format("PROCESSOR_EXIT_CODES={}: '{}' {}; write it as in "
                                       "3=dead-letter,4=retry,5=ack, with codes from 1 to 255",
                                       printable(text), printable(trim(part)), why));
        };
        const std::size_t equals = part.find('=');
        const auto code = parse_number<int>(trim(part.substr(0, equals)));
        if (equals == std::string_view::npos || !code || *code < 0 || *code > 255)
            return refuse("gives no exit code a meaning");
        if (*code == 0) return refuse("changes what 0 means, which is always that all went well");
        const auto verdict = verdict_of(trim(part.substr(equals + 1)));
        if (!verdict) return refuse("has a meaning that there is not");
        if (!seen.insert(*code).second) return refuse("gives a code its second meaning");
        codes.verdicts_.at(static_cast<std::size_t>(*code)) = *verdict;
    }
    return codes;
}

Verdict ExitCodes::of(int code) const { return verdicts_.at(static_cast<std::size_t>(code)); }

}  // namespace rococo::svchost::command
