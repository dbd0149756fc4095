// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <set>

#include "command_line.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

constexpr unsigned kPatienceSeconds = 3;
constexpr std::size_t kMostLetters = 200;
constexpr const char* kFolders = ":folders";

bool takes_value(const CLI::Option& option) { return option.get_expected_max() > 0; }

/// The context given by the words before the one to complete.
struct Place {
    const CLI::App* command = nullptr;
    const CLI::Option* option = nullptr;  ///< The option whose value the word is.
    std::size_t arguments = 0;            ///< Arguments already given.
    std::string queue;
    std::string folder = ".";
};

void take_value(Place& place, const CLI::Option& option, const std::string& value) {
    if (option.check_name("--queue")) place.queue = value;
    if (option.check_name("--dir")) place.folder = value;
}

Place find_place(const CLI::App& app, const std::vector<std::string>& before) {
    Place place;
    place.command = &app;
    for (const std::string& word : before) {
        if (place.option != nullptr) {
            take_value(place, *std::exchange(place.option, nullptr), word);
        } else if (word.starts_with('-') && word.size() > 1) {
            const std::size_t equals = word.find('=');
            const auto* option = place.command->get_option_no_throw(word.substr(0, equals));
            if (option == nullptr || !takes_value(*option)) continue;
            if (equals == std::string::npos) {
                place.option = option;
            } else {
                take_value(place, *option, word.substr(equals + 1));
            }
        } else if (const auto* command = find_command(*place.command, word)) {
            place.command = command;
        } else {
            ++place.arguments;
        }
    }
    return place;
}

std::vector<std::string> queue_candidates(const Session& session) {
    auto names = configured_queues(session.configuration);
    if (const auto known = session.queue_kind->queues(); known && *known) {
        for (const std::string& name : **known)
            if (!name.ends_with(".dead-letter")) names.push_back(name);
    }
    return names;
}

Result<std::vector<std::string>> dead_letter_candidates(const Session& session,
                                                        const Place& place) {
    std::vector<std::string> ids;
    // Listing an SQS queue hides its messages from other consumers for a while.
    if (session.configuration.text("MESSAGING_TYPE") == "SqsConnection") return ids;
    ROCOCO_ASSIGN_OR_RETURN(const auto queue,
                            place.queue.empty() ? service_queue(session) : place.queue);
    ROCOCO_ASSIGN_OR_RETURN(const auto store, session.queue_kind->dead_letters(queue));
    ROCOCO_ASSIGN_OR_RETURN(const auto letters, store->summaries(kMostLetters));
    for (const auto& letter : letters) {
        ids.push_back(letter.id);
        if (!letter.message.empty()) ids.push_back(letter.message);
    }
    return ids;
}

std::vector<std::string> values_of(const CommandLine& line, const CLI::Option& option,
                                   const Place& place) {
    const auto found = line.completions().find(&option);
    if (found == line.completions().end()) return {};
    const Completion& completion = found->second;
    if (completion.values == Values::words) return completion.words;
    if (completion.values == Values::folders) return {kFolders};
    if (completion.values == Values::time_zones) return TimeZone::names();
    const auto session = open_session(place.folder);
    if (!session) return {};
    if (completion.values == Values::queues) return queue_candidates(**session);
    return dead_letter_candidates(**session, place).value_or(std::vector<std::string>());
}

/// Completes the next argument's value and the names of commands and options.
std::vector<std::string> words_of(const CommandLine& line, const Place& place,
                                  const std::string& word) {
    if (word.starts_with('-')) return option_names(*place.command);
    std::vector<std::string> words = command_names(*place.command);
    std::size_t index = 0;
    for (const CLI::Option* option : place.command->get_options()) {
        if (!option->get_positional()) continue;
        if (index++ == place.arguments || option->get_expected_max() > 1) {
            for (std::string& value : values_of(line, *option, place))
                words.push_back(std::move(value));
        }
    }
    // `svchost DIR`
    if (place.command->get_parent() == nullptr) words.emplace_back(kFolders);
    return words;
}

bool is_on_one_line(const std::string& text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

}  // namespace

int complete(const CommandLine& line, std::vector<std::string> words) {
    std::signal(SIGALRM, [](int) { ::_exit(0); });
    ::alarm(kPatienceSeconds);

    std::string word;
    if (!words.empty()) {
        word = std::move(words.back());
        words.pop_back();
    }
    const Place place = find_place(line.app(), words);
    std::vector<std::string> candidates;
    std::string prefix;
    if (place.option != nullptr) {
        candidates = values_of(line, *place.option, place);
    } else if (const auto equals = word.find('=');
               word.starts_with("--") && equals != std::string::npos) {
        prefix = word.substr(0, equals + 1);
        if (const auto* option = place.command->get_option_no_throw(word.substr(0, equals)))
            candidates = values_of(line, *option, place);
        std::erase(candidates, kFolders);
    } else {
        candidates = words_of(line, place, word);
    }
    std::set<std::string> printed;  // sorted, without duplicates
    for (const std::string& candidate : candidates) {
        const std::string whole = prefix + candidate;
        if ((candidate == kFolders || whole.starts_with(word)) && is_on_one_line(whole))
            printed.insert(whole);
    }
    for (const std::string& candidate : printed) std::cout << candidate << '\n';
    return 0;
}

}  // namespace rococo::svchost::cli
