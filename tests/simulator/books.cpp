// SPDX-License-Identifier: MIT
#include "books.hpp"

#include <fmt/format.h>

#include <utility>

namespace rococo::simulator {

void Books::finding(std::string what) {
    tell([&] { return "!! " + what; });
    findings_.push_back(std::move(what));
}

void Books::add_line(std::string text) {
    const double seconds = std::chrono::duration<double>(timeline_.since_start()).count();
    story_.push_back(fmt::format("{:12.6f} s  {}", seconds, text));
}

void Books::close(const std::vector<std::size_t>& left) {
    for (const std::size_t message : left)
        finding(fmt::format("m{} is still in the queue at the end", message));
    if (!left.empty()) return;
    for (std::size_t message = 0; message < entries_.size(); ++message)
        close(message, entries_[message]);
}

void Books::close(std::size_t message, const Entry& entry) {
    const auto say = [&](std::string_view what) {
        finding(fmt::format(
            "m{} ({} x {}): {}; begun {}, succeeded {}, failed {}, dead letters {}, excused {}",
            message, name(scenario_.messages[message].behaviour),
            scenario_.messages[message].bad_attempts, what, entry.begun, entry.succeeded,
            entry.failed, entry.dead, entry.excused));
    };
    const unsigned most = scenario_.host.retry.max_attempts;
    const bool dropped = scenario_.host.retry.drop_failed && entry.failed > 0;
    if (entry.sent && entry.succeeded == 0 && entry.dead == 0 && !dropped) say("lost");
    if (!entry.sent && entry.begun > 0) say("processed and never sent");
    if (entry.succeeded + entry.dead > 1 + entry.repeats) say("done twice without a cause");
    // What a host counts by itself, others do not know. SQS counts what was merely fetched, so that
    // there only crashes give a message up before it is processed once more.
    const bool counts_fetches = scenario_.queue == QueueKind::sqs;
    const auto counters = static_cast<unsigned>(scenario_.hosts) + (counts_fetches ? 1 : 0);
    if (entry.begun > most * (1 + entry.twins) * counters + entry.excused) say("tried too often");
    if (entry.permanent > 0 && entry.dead == 0 && entry.repeats == 0 && !dropped)
        say("a permanent error is no dead letter");
    if (entry.dead == 0) return;
    const unsigned needed = counts_fetches ? 1 : most;
    const unsigned charged = entry.failed + entry.charged_unnamed + entry.overdue;
    if (entry.permanent == 0 && charged < needed) say("given up too early");
}

}  // namespace rococo::simulator
