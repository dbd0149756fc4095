// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

using messaging::DeadLetter;
using messaging::DeadLetterStore;
using Action = DeadLettersArguments::Action;

constexpr std::size_t kErrorWidth = 60;
constexpr std::size_t kUuidLength = 36;
// Among how many dead letters the beginning of an id is looked for.
constexpr std::size_t kMaxSearched = 10'000;

std::string time_text(SystemTime time) {
    if (time == SystemTime{}) return "-";
    return fmt::format("{:%Y-%m-%d %H:%M:%S}Z",
                       fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

nlohmann::ordered_json to_json(const DeadLetter& letter) {
    nlohmann::ordered_json json{{"id", letter.id},
                                {"original_queue", letter.original_queue},
                                {"reason", letter.reason},
                                {"error", letter.error},
                                {"attempts", letter.attempts},
                                {"first_failed_at", time_text(letter.first_failed_at)},
                                {"last_failed_at", time_text(letter.last_failed_at)},
                                {"content_type", letter.content_type},
                                {"headers", nlohmann::ordered_json::object()},
                                {"body", letter.body}};
    for (const auto& [name, value] : letter.headers) json["headers"][name] = value;
    return json;
}

std::string dump(const nlohmann::ordered_json& json) {
    // A body may be any bytes; what is not UTF-8 is replaced rather than refused.
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

/// The ids in full: the beginning of one is enough where only one begins so. What is not found
/// stays as it is, for the store to miss.
Result<std::vector<std::string>> in_full(DeadLetterStore& store, std::vector<std::string> ids) {
    const auto is_short = [](const std::string& id) { return id.size() < kUuidLength; };
    if (std::none_of(ids.begin(), ids.end(), is_short)) return ids;
    const auto letters = store.list(kMaxSearched);
    if (!letters) return tl::unexpected(letters.error());
    for (std::string& id : ids) {
        std::vector<std::string> begin_so;
        for (const DeadLetter& letter : *letters) {
            if (letter.id == id) {
                begin_so = {id};
                break;
            }
            if (!id.empty() && letter.id.starts_with(id)) begin_so.push_back(letter.id);
        }
        if (begin_so.size() > 1) {
            return failure(ErrorKind::usage, fmt::format("{}: several dead letters begin so: {}",
                                                         id, fmt::join(begin_so, ", ")));
        }
        if (begin_so.size() == 1) id = begin_so.front();
    }
    return ids;
}

int list(DeadLetterStore& store, const DeadLettersArguments& arguments) {
    const auto letters = store.list(arguments.limit);
    if (!letters) return complain(letters.error());
    if (arguments.json) {
        auto all = nlohmann::ordered_json::array();
        for (const DeadLetter& letter : *letters) all.push_back(to_json(letter));
        std::cout << dump(all) << '\n';
        return 0;
    }
    const auto count = store.count();
    if (!count) return complain(count.error());
    fmt::print("{:<36}  {:<15}  {:>8}  {:<20}  {}\n", "ID", "REASON", "ATTEMPTS", "LAST FAILED",
               "ERROR");
    for (const DeadLetter& letter : *letters) {
        const std::string error = escape_control_characters(letter.error);
        fmt::print("{:<36}  {:<15}  {:>8}  {:<20}  {}\n", letter.id, letter.reason, letter.attempts,
                   time_text(letter.last_failed_at), error.substr(0, kErrorWidth));
    }
    fmt::print("{} of {} shown\n", letters->size(), *count);
    return 0;
}

int show(DeadLetterStore& store, const DeadLettersArguments& arguments) {
    for (const std::string& id : arguments.ids) {
        const auto letter = store.find(id);
        if (!letter) return complain(letter.error());
        if (!*letter) return complain({ErrorKind::usage, "no dead letter has the id " + id});
        std::cout << dump(to_json(**letter)) << '\n';
    }
    return 0;
}

/// Requeues or deletes; says how many, and fails where ids were given that are not there.
int change(DeadLetterStore& store, const DeadLettersArguments& arguments) {
    const bool requeue = arguments.action == Action::requeue;
    const auto changed = requeue ? store.requeue(arguments.ids) : store.remove(arguments.ids);
    if (!changed) return complain(changed.error());
    std::cout << *changed << (requeue ? " requeued\n" : " deleted\n");
    if (*changed < arguments.ids.size()) {
        return complain(
            {ErrorKind::usage, fmt::format("{} of the ids given are not among the dead letters",
                                           arguments.ids.size() - *changed)});
    }
    return 0;
}

}  // namespace

int dead_letters(const DeadLettersArguments& arguments) {
    const bool changes = arguments.action == Action::requeue || arguments.action == Action::remove;
    if (changes && arguments.ids.empty() != arguments.all) {
        return complain({ErrorKind::usage, "name the ids, or say --all: one of the two"});
    }
    const auto session = open_session(arguments.folder);
    if (!session) return complain(session.error());
    const auto queue =
        arguments.queue.empty() ? service_queue(**session) : Result<std::string>(arguments.queue);
    if (!queue) return complain(queue.error());
    const auto store = (*session)->messaging->dead_letters(*queue);
    if (!store) return complain(store.error());
    if (arguments.action == Action::list) return list(**store, arguments);
    auto ids = in_full(**store, arguments.ids);
    if (!ids) return complain(ids.error());
    DeadLettersArguments whole = arguments;
    whole.ids = std::move(*ids);
    return arguments.action == Action::show ? show(**store, whole) : change(**store, whole);
}

}  // namespace rococo::svchost::cli
