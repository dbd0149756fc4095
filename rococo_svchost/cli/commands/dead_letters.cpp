// SPDX-License-Identifier: MIT
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/timestamp.hpp"
#include "rococo/base/try.hpp"
#include "session.hpp"
#include "table.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

using messaging::DeadLetter;
using messaging::DeadLetterStore;
using Action = DeadLettersArguments::Action;

constexpr std::size_t kMostErrorBytes = 200;  // in a list; `show` prints all of it
// How many dead letters are searched for an id or prefix.
constexpr std::size_t kMaxSearched = 10'000;

std::string time_text(SystemTime time) {
    if (time == SystemTime{}) return "-";
    // Not with system_clock: it counts nanoseconds and ends in the year 2262.
    const auto seconds = std::chrono::floor<std::chrono::seconds>(std::min(time, kLatestTime));
    return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(seconds.time_since_epoch().count()));
}

/// The message's name in the log.
const std::string& name_of(const DeadLetter& letter) {
    return letter.message.empty() ? letter.id : letter.message;
}

nlohmann::ordered_json to_json(const DeadLetter& letter) {
    nlohmann::ordered_json json{{"id", letter.id},
                                {"message", name_of(letter)},
                                {"original_queue", letter.original_queue},
                                {"reason", letter.reason},
                                {"error", letter.error},
                                {"attempts", letter.attempts},
                                {"first_failed_at", time_text(letter.first_failed_at)},
                                {"last_failed_at", time_text(letter.last_failed_at)},
                                {"content_type", letter.content_type},
                                {"properties", nlohmann::ordered_json::object()},
                                {"headers", nlohmann::ordered_json::object()},
                                {"body", letter.body}};
    for (const auto& [name, value] : letter.properties) json["properties"][name] = value;
    for (const auto& [name, value] : letter.headers) json["headers"][name] = value;
    return json;
}

std::string dump(const nlohmann::ordered_json& json) {
    // A body may be any bytes; invalid UTF-8 is replaced rather than rejected.
    return printable_json(
        json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

/// Whether the test holds for the letter's id or name, as it is or as displayed.
template <typename Test>
bool is_called(const DeadLetter& letter, const Test& test) {
    return test(letter.id) || test(printable(letter.id)) || test(name_of(letter)) ||
           test(printable(name_of(letter)));
}

/// Ids joined on one line. Escaped, so that a line break in one does not make it look like two.
std::string listed(const std::vector<std::string>& ids) {
    std::string text;
    for (const std::string& id : ids) text += (text.empty() ? "" : ", ") + printable(id);
    return text;
}

/// What was named on the command line, resolved to the store's ids.
struct Named {
    std::vector<std::string> ids;
    std::vector<std::string> unknown;  ///< Names that match no letter.
};

/// Resolves names to full ids. A letter can be named by its id, by its message's name in the log
/// (if several share it, all are meant), or by a unique prefix of either.
Result<Named> in_full(DeadLetterStore& store, const std::vector<std::string>& given) {
    Named named;
    if (given.empty()) return named;
    ROCOCO_ASSIGN_OR_RETURN(const auto letters, store.summaries(kMaxSearched));
    for (const std::string& one : given) {
        std::vector<std::string> called;
        std::vector<std::string> candidates;
        for (const DeadLetter& letter : letters) {
            if (is_called(letter, [&](const auto& own) { return own == one; }))
                called.push_back(letter.id);
            if (!one.empty() &&
                is_called(letter, [&](const auto& own) { return own.starts_with(one); }))
                candidates.push_back(letter.id);
        }
        if (called.empty() && candidates.size() > 1) {
            return failure(ErrorKind::usage,
                           fmt::format("{}: several dead letters start with this: {}",
                                       printable(one), listed(candidates)));
        }
        if (called.empty()) called = std::move(candidates);
        if (called.empty() && letters.size() < kMaxSearched) named.unknown.push_back(one);
        // There may be more letters than those listed, so ask the store.
        if (called.empty() && letters.size() >= kMaxSearched) called.push_back(one);
        for (std::string& id : called) {
            const bool twice = std::find(named.ids.begin(), named.ids.end(), id) != named.ids.end();
            if (!twice) named.ids.push_back(std::move(id));
        }
    }
    return named;
}

/// A mistyped queue has no dead letters, which would look like good news.
void warn_if_unknown(const Session& session, const std::string& queue) {
    const auto exists = session.queue_kind->has_queue(queue);
    if (exists && *exists == false)
        print_warning(fmt::format("there is no queue {}{}", queue, similar_queue(session, queue)));
}

/// Whether to delete them: asks on a terminal, otherwise requires --yes.
Result<bool> may_delete(DeadLetterStore& store, const DeadLettersArguments& arguments,
                        const Named& named, const std::string& queue) {
    if (arguments.yes || (!arguments.all && named.ids.empty())) return true;
    ROCOCO_ASSIGN_OR_RETURN(const std::size_t count,
                            arguments.all ? store.count() : named.ids.size());
    if (count == 0) return true;
    const std::string what = counted(count, "dead letter") + " of " + printable(queue);
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDERR_FILENO) != 1) {
        return failure(ErrorKind::usage, fmt::format("{} would be deleted for good; there is no "
                                                     "terminal to ask on, so --yes is required",
                                                     what));
    }
    std::cerr << "Delete " << what << " for good? [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

tl::unexpected<Error> none_called(const std::vector<std::string>& unknown) {
    return failure(ErrorKind::usage,
                   fmt::format("no dead letter is called {}; svchost dead-letters list "
                               "shows them",
                               listed(unknown)));
}

/// The shortest unique prefix of an id, but long enough not to be mistaken for a word.
std::string shortened(const std::string& id, const std::vector<std::string>& all) {
    constexpr std::size_t kLeast = 8;
    std::size_t length = std::min(kLeast, id.size());
    for (const std::string& other : all) {
        while (length < id.size() && other != id && other.starts_with(id.substr(0, length)))
            ++length;
    }
    // Never cut within a character.
    while (length < id.size() && (static_cast<unsigned char>(id[length]) & 0xC0U) == 0x80U)
        ++length;
    return id.substr(0, length);
}

/// The error for a list, where room is scarce: without the JSON library's own name of it
/// ("[json.exception.out_of_range.403] ").
std::string brief_error(std::string_view error) {
    if (error.starts_with("[json.exception.")) {
        if (const auto end = error.find("] "); end != std::string_view::npos)
            error.remove_prefix(end + 2);
    }
    return printable(beginning(error, kMostErrorBytes));
}

Table letters_table(const std::vector<DeadLetter>& letters, bool shorten) {
    // The name in the log gets its own column if it differs from the id.
    const bool named = std::any_of(letters.begin(), letters.end(), [](const DeadLetter& letter) {
        return name_of(letter) != letter.id;
    });
    std::vector<Table::Column> columns{
        {"ID"}, {"REASON"}, {"ATTEMPTS", true}, {"LAST FAILED"}, {"ERROR"}};
    if (named) columns.insert(columns.begin() + 1, {"MESSAGE"});
    std::vector<std::string> all;
    for (const DeadLetter& letter : letters) {
        all.push_back(printable(letter.id));
        all.push_back(printable(name_of(letter)));
    }
    const auto name = [&](const std::string& id) {
        return shorten ? shortened(printable(id), all) : printable(id);
    };
    Table table(columns);
    for (const DeadLetter& letter : letters) {
        std::vector<std::string> cells{name(letter.id), printable(letter.reason),
                                       std::to_string(letter.attempts),
                                       time_text(letter.last_failed_at), brief_error(letter.error)};
        if (named) cells.insert(cells.begin() + 1, name(name_of(letter)));
        table.add(std::move(cells));
    }
    return table;
}

/// If full ids leave no room, prints their shortest unique prefixes.
std::string letters_text(const std::vector<DeadLetter>& letters, std::optional<std::size_t> width) {
    const Table whole = letters_table(letters, false);
    if (!width || whole.fits(*width)) return whole.text(width);
    return letters_table(letters, true).text(width);
}

Result<int> list(DeadLetterStore& store, const DeadLettersArguments& arguments) {
    ROCOCO_ASSIGN_OR_RETURN(const auto letters, arguments.json ? store.list(arguments.limit)
                                                               : store.summaries(arguments.limit));
    if (arguments.json) {
        auto all = nlohmann::ordered_json::array();
        for (const DeadLetter& letter : letters) all.push_back(to_json(letter));
        std::cout << dump(all) << '\n';
        return 0;
    }
    ROCOCO_ASSIGN_OR_RETURN(const std::size_t count, store.count());
    if (!letters.empty()) std::cout << letters_text(letters, table_width());
    std::cout << fmt::format("{} of {} shown\n", letters.size(), count);
    return 0;
}

Result<int> show(DeadLetterStore& store, const Named& named) {
    for (const std::string& id : named.ids) {
        ROCOCO_ASSIGN_OR_RETURN(const auto letter, store.find(id));
        if (!letter) return none_called({id});
        std::cout << dump(to_json(*letter)) << '\n';
    }
    if (!named.unknown.empty()) return none_called(named.unknown);
    return 0;
}

/// Requeues or deletes, and reports how many. Fails if any of the given ids do not exist.
Result<int> change(DeadLetterStore& store, const DeadLettersArguments& arguments,
                   const Named& named) {
    const bool requeue = arguments.action == Action::requeue;
    std::size_t changed = 0;
    // For the store, no ids means all letters.
    if (arguments.all || !named.ids.empty()) {
        ROCOCO_ASSIGN_OR_RETURN(changed,
                                requeue ? store.requeue(named.ids) : store.remove(named.ids));
    }
    std::cout << changed << (requeue ? " requeued\n" : " deleted\n");
    if (!named.unknown.empty()) return none_called(named.unknown);
    if (changed < named.ids.size()) {
        return failure(ErrorKind::usage,
                       fmt::format("{} of these are no longer among the dead letters: {}",
                                   named.ids.size() - changed, listed(named.ids)));
    }
    return 0;
}

}  // namespace

Result<int> dead_letters(const DeadLettersArguments& arguments) {
    const bool changes = arguments.action == Action::requeue || arguments.action == Action::remove;
    if (changes && arguments.ids.empty() != arguments.all) {
        return failure(ErrorKind::usage, arguments.all ? "give ids or --all, not both"
                                                       : "which ones? Give ids, or --all");
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto session, open_session(arguments.folder));
    ROCOCO_ASSIGN_OR_RETURN(const auto queue,
                            arguments.queue.empty() ? service_queue(*session) : arguments.queue);
    ROCOCO_ASSIGN_OR_RETURN(const auto store, session->queue_kind->dead_letters(queue));
    if (!arguments.queue.empty()) warn_if_unknown(*session, queue);
    if (arguments.action == Action::list) return list(*store, arguments);
    ROCOCO_ASSIGN_OR_RETURN(const Named named, in_full(*store, arguments.ids));
    if (arguments.action == Action::show) return show(*store, named);
    if (arguments.action == Action::remove) {
        ROCOCO_ASSIGN_OR_RETURN(const bool may, may_delete(*store, arguments, named, queue));
        if (!may) {
            std::cout << "nothing deleted\n";
            return 0;
        }
    }
    return change(*store, arguments, named);
}

}  // namespace rococo::svchost::cli
