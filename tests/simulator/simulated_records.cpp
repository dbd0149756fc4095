// SPDX-License-Identifier: MIT
#include "simulated_records.hpp"

#include <algorithm>
#include <string>

namespace rococo::simulator {

using svchost::Job;

std::size_t message_of(const svchost::DeadHost::Note& note) {
    return std::stoul(note.name.substr(1));
}

svchost::CrashRecords::Record SimulatedRecords::record(svchost::MessageIdentity message) const {
    const auto found = records_.find(message);
    return found == records_.end() ? Record{} : found->second;
}

void SimulatedRecords::take_in_the_dead() {
    for (const svchost::DeadHost& dead : std::exchange(dead_, {})) {
        const svchost::Inquest inquest = svchost::hold_inquest(dead);
        for (const auto& note : inquest.accused) {
            messages_[note.identity] = message_of(note);
            if (!inquest.charged && inquest.alone)
                alone_since_[note.identity] = timeline_.steady_now();
        }
        for (const auto& note : inquest.accused) {
            Record& record = records_[note.identity];
            record.suspect = true;
            if (inquest.charged) {
                record.crashes = record.uncounted(note.attempt) + 1;
                record.attempt = note.attempt;
            } else {
                record.alone = record.alone || inquest.alone;
            }
        }
    }
    died_at_.clear();
}

bool SimulatedRecords::was_alone(const Job& job, SteadyTime time) const {
    const auto since = alone_since_.find(job.identity);
    return record(job.identity).alone && since != alone_since_.end() && since->second < time;
}

bool SimulatedRecords::holds_against(std::size_t message) const {
    return std::ranges::any_of(records_, [&](const auto& entry) {
        return entry.second.crashes > 0 && messages_.at(entry.first) == message;
    });
}

bool SimulatedRecords::is_unread(svchost::MessageIdentity message, SteadyTime time) const {
    for (std::size_t i = 0; i < dead_.size(); ++i) {
        const auto is_it = [message](const auto& note) { return note.identity == message; };
        if (died_at_[i] < time && std::ranges::any_of(dead_[i].notes, is_it)) return true;
    }
    return false;
}

void SimulatedRecords::lose(Books& books) {
    take_in_the_dead();
    for (const auto& [identity, record] : records_)
        books.of(messages_.at(identity)).excused += record.crashes;
    records_.clear();
}

}  // namespace rococo::simulator
