// SPDX-License-Identifier: MIT
#include "message_recorder.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace rococo::svchost {

using messaging::ConnectionState;
using messaging::Verdict;

namespace {

constexpr std::size_t kMostFailures = 50;

// As metrics and the API spell them, in the order of their enumerations.
constexpr std::array<const char*, 5> kErrorTypes{"", "error", "permanent", "retry_after",
                                                 "timeout"};
constexpr std::array<const char*, 7> kReasons{"ok",           "error", "retry_after", "permanent",
                                              "max_attempts", "crash", "not_begun"};
constexpr std::array<const char*, 5> kStates{"connecting", "consuming", "paused", "blocked",
                                             "lost"};

template <typename Enum>
constexpr std::size_t index(Enum value) {
    return static_cast<std::size_t>(value);
}

const char* outcome_of(Verdict verdict, Cause cause) {
    switch (verdict) {
        case Verdict::ack:
            return cause == Cause::ok ? "ack" : "dropped";
        case Verdict::retry:
            return "retry";
        case Verdict::dead_letter:
            return "dead_letter";
        case Verdict::release:
            break;
    }
    return "released";
}

/// What can become of a message, so that each is told of before it first happens.
struct Possible {
    Verdict verdict;
    Cause cause;
};
constexpr std::array kPossible{
    Possible{Verdict::ack, Cause::ok},
    Possible{Verdict::ack, Cause::error},
    Possible{Verdict::ack, Cause::retry_after},
    Possible{Verdict::ack, Cause::permanent},
    Possible{Verdict::retry, Cause::error},
    Possible{Verdict::retry, Cause::retry_after},
    Possible{Verdict::dead_letter, Cause::permanent},
    Possible{Verdict::dead_letter, Cause::max_attempts},
    Possible{Verdict::dead_letter, Cause::crash},
    Possible{Verdict::release, Cause::not_begun},
};

Microseconds microseconds(std::chrono::nanoseconds time) {
    return std::chrono::duration_cast<Microseconds>(time);
}

}  // namespace

MessageRecorder::MessageRecorder(const Clock& clock, const Buckets& buckets)
    : clock_(clock), queue_time_(buckets.queue), end_to_end_(buckets.queue) {
    process_duration_.fill(Histogram(buckets.process));
}

void MessageRecorder::on_accepted(std::size_t messages) {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    accepted_ += messages;
    last_delivery_ = now;
}

void MessageRecorder::on_ended(std::span<const EndedCall> calls) {
    const Instant now = clock_.read();
    // Calls are timed by a clock that nobody sets; messages carry the time of day.
    const auto time_of_day = [&now](SteadyTime time) {
        return now.wall - std::chrono::duration_cast<SystemTime::duration>(now.steady - time);
    };
    const std::scoped_lock lock(mutex_);
    for (const EndedCall& call : calls) {
        const auto duration = call.ended_at - call.begun_at;
        process_duration_.at(index(call.end)).observe(duration);
        busy_ += duration;
        if (call.sent_at == SystemTime{}) continue;
        if (call.attempt == 1) queue_time_.observe(time_of_day(call.begun_at) - call.sent_at);
        if (call.acknowledged && call.end == CallEnd::ok)
            end_to_end_.observe(time_of_day(call.ended_at) - call.sent_at);
    }
}

void MessageRecorder::on_failed(const FailedCall& call) {
    Failure failure{.at = clock_.now(),
                    .message = call.message,
                    .attempt = call.attempt,
                    .outcome = outcome_of(call.verdict, call.cause),
                    .reason = kReasons.at(index(call.cause)),
                    .error = std::string(call.error),
                    .duration = microseconds(call.duration),
                    .retry_after = call.retry_after};
    const std::scoped_lock lock(mutex_);
    failures_.push_front(std::move(failure));
    if (failures_.size() > kMostFailures) failures_.pop_back();
}

void MessageRecorder::on_settled(std::span<const SafeVerdict> verdicts) {
    const std::scoped_lock lock(mutex_);
    for (const SafeVerdict& safe : verdicts)
        ++settled_.at(index(safe.verdict)).at(index(safe.cause));
}

void MessageRecorder::on_lost(std::size_t messages) {
    const std::scoped_lock lock(mutex_);
    lost_ += messages;
}

void MessageRecorder::on_overdue(std::size_t calls) {
    const std::scoped_lock lock(mutex_);
    overdue_ += calls;
}

void MessageRecorder::on_crash() {
    const std::scoped_lock lock(mutex_);
    ++crashes_;
}

void MessageRecorder::on_connection(const messaging::Events::State& state) {
    const Instant now = clock_.read();
    const std::scoped_lock lock(mutex_);
    ConnectionFacts facts{.state = kStates.at(index(state.state)),
                          .reason = state.reason,
                          .since = now.wall - std::chrono::duration_cast<SystemTime::duration>(
                                                  now.steady - state.since),
                          .reconnects = connection_ ? connection_->reconnects : 0};
    if (state.state == ConnectionState::lost) was_lost_ = true;
    const bool there = state.state == ConnectionState::consuming ||
                       state.state == ConnectionState::paused ||
                       state.state == ConnectionState::blocked;
    if (there && std::exchange(was_lost_, false)) ++facts.reconnects;
    connection_ = std::move(facts);
}

void MessageRecorder::on_drain() {
    const std::scoped_lock lock(mutex_);
    draining_ = true;
}

void MessageRecorder::on_turn(const InHand& in_hand) {
    const SteadyTime now = clock_.steady_now();
    const std::scoped_lock lock(mutex_);
    in_hand_ = in_hand;
    last_turn_ = now;
}

MessageRecorder::Seen MessageRecorder::seen() const {
    const std::scoped_lock lock(mutex_);
    Seen seen{.messages = {.consumed = accepted_,
                           .lost = lost_,
                           .process_timeouts = overdue_,
                           .crashes = crashes_,
                           .busy = microseconds(busy_),
                           .queue_time = queue_time_,
                           .end_to_end = end_to_end_},
              .connection = connection_,
              .in_hand = in_hand_,
              .draining = draining_,
              .last_turn = last_turn_};
    for (const Possible& one : kPossible) {
        const std::uint64_t count = settled_.at(index(one.verdict)).at(index(one.cause));
        seen.messages.settled.push_back(
            {outcome_of(one.verdict, one.cause), kReasons.at(index(one.cause)), count});
    }
    for (std::size_t end = 0; end < kCallEnds; ++end)
        seen.messages.process_duration.emplace(kErrorTypes.at(end), process_duration_.at(end));
    return seen;
}

bool MessageRecorder::is_draining() const {
    const std::scoped_lock lock(mutex_);
    return draining_;
}

SteadyTime MessageRecorder::last_delivery() const {
    const std::scoped_lock lock(mutex_);
    return last_delivery_;
}

std::vector<Failure> MessageRecorder::failures() const {
    const std::scoped_lock lock(mutex_);
    return {failures_.begin(), failures_.end()};
}

}  // namespace rococo::svchost
