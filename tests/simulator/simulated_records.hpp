// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "books.hpp"
#include "rococo_svchost/runtime/crash_records.hpp"
#include "rococo_svchost/runtime/inquest.hpp"
#include "rococo_svchost/runtime/job.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// The number of the message that a note is about.
[[nodiscard]] std::size_t message_of(const svchost::DeadHost::Note& note);

/// What is in STATE_DIR: what dead hosts left, and what follows from it.
class SimulatedRecords final : public svchost::CrashRecords {
public:
    explicit SimulatedRecords(const Timeline& timeline) : timeline_(timeline) {}

    [[nodiscard]] Record record(svchost::MessageIdentity message) const override;
    void take_in_the_dead() override;
    void forget(svchost::MessageIdentity message) override { records_.erase(message); }

    void leave(svchost::DeadHost dead) {
        dead_.push_back(std::move(dead));
        died_at_.push_back(timeline_.steady_now());
    }
    /// Whether a host that died before `time` had this message in hand, and nobody has looked yet.
    [[nodiscard]] bool is_unread(svchost::MessageIdentity message, SteadyTime time) const;
    /// Whether it was known before `time` that this message must be alone.
    [[nodiscard]] bool was_alone(const svchost::Job& job, SteadyTime time) const;
    /// Whether it still holds crashes against this message.
    [[nodiscard]] bool holds_against(std::size_t message) const;
    /// The folder is gone. What it held against messages is forgotten.
    void lose(Books& books);

private:
    const Timeline& timeline_;
    std::map<svchost::MessageIdentity, Record> records_;
    std::map<svchost::MessageIdentity, SteadyTime> alone_since_;
    std::map<svchost::MessageIdentity, std::size_t> messages_;  // whose identities they are
    std::vector<svchost::DeadHost> dead_;
    std::vector<SteadyTime> died_at_;
};

}  // namespace rococo::simulator
