// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "commands.hpp"
#include "queue_numbers.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "table.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using Json = nlohmann::ordered_json;
using Count = std::optional<std::uint64_t>;

constexpr std::string_view kDeadLetters = ".dead-letter";

std::string cell(const Count& count) { return count ? std::to_string(*count) : "-"; }

Json number(const Count& count) { return count ? Json(*count) : Json(nullptr); }

/// The folder's own queues, and all others where this kind of queue can list them. Dead letters are
/// a number of their queue, not a queue.
Result<std::vector<std::string>> all_queues(const Session& session) {
    std::set<std::string> names;
    if (const auto listed = session.queue_kind->queues(); listed && *listed)
        names.insert((**listed).begin(), (**listed).end());
    std::erase_if(names, [](const std::string& name) { return name.ends_with(kDeadLetters); });
    auto own = own_queues(session);
    if (own) {
        names.insert(own->begin(), own->end());
    } else if (names.empty()) {
        return own;
    }
    return std::vector<std::string>(names.begin(), names.end());
}

Json to_json(const std::vector<QueueNumbers>& queues) {
    Json all = Json::array();
    for (const auto& [name, counts] : queues) {
        if (!counts) continue;
        all.push_back({{"name", name},
                       {"ready", number(counts->ready)},
                       {"in_hand", number(counts->in_hand)},
                       {"retry", number(counts->retry)},
                       {"dead_letters", number(counts->dead_letters)}});
    }
    return all;
}

}  // namespace

Result<int> queues(const std::filesystem::path& folder, bool json) {
    ROCOCO_ASSIGN_OR_RETURN(const auto session, open_session(folder));
    ROCOCO_ASSIGN_OR_RETURN(const auto names, all_queues(*session));
    const auto numbers = count_queues(*session, names);
    Table table(
        {{"QUEUE"}, {"READY", true}, {"IN HAND", true}, {"RETRY", true}, {"DEAD LETTERS", true}});
    int code = 0;
    for (const auto& [name, counts] : numbers) {
        if (counts) {
            table.add({printable(name), cell(counts->ready), cell(counts->in_hand),
                       cell(counts->retry), cell(counts->dead_letters)});
        } else {
            code = print_error({counts.error().kind, name + ": " + counts.error().message});
        }
    }
    if (json) {
        std::cout << printable_json(to_json(numbers).dump(2)) << '\n';
    } else if (code == 0 || numbers.size() > 1) {
        std::cout << table.text(table_width());
    }
    return code;
}

}  // namespace rococo::svchost::cli
