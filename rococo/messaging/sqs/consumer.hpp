// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "aws_caller.hpp"
#include "event_loop.hpp"
#include "fifo_order.hpp"
#include "hand_budget.hpp"
#include "lane.hpp"
#include "message_codec.hpp"
#include "poll_control.hpp"
#include "queue_setup.hpp"
#include "rare_log.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging::sqs {

/// SQS hides a message for 12 hours from its receipt on, whatever was extended since. Its receipt
/// is earlier than our knowledge of it, by what an answer takes at worst.
constexpr std::chrono::seconds kLongestInHand = std::chrono::hours(12) - std::chrono::seconds(30);

/// One message in hand, from its receipt until its settlement is safe in the queue.
struct Entry {
    enum class Stage {
        waiting,     ///< May be handed out.
        held,        ///< FIFO: behind another message of its group.
        handed_out,  ///< In the runtime's hands.
        settling,    ///< Its verdict is being carried out.
    };

    std::string message_id;
    std::string receipt_handle;
    std::string group;                      ///< FIFO only.
    std::unique_ptr<SqsDelivery> delivery;  ///< But while it is handed out.
    std::size_t bytes = 0;                  ///< Of the delivery, as long as it is in memory.
    std::uint32_t receive_count = 1;
    std::uint32_t attempt = 1;
    SteadyTime received_at;
    SteadyTime hidden_until;
    std::optional<SteadyTime> extend_at;  ///< Where it is in the schedule of extensions.
    Stage stage = Stage::waiting;
    bool lost = false;       ///< Its visibility ran out, and it has not come back to us since.
    bool told = false;       ///< The runtime knows that it was lost: what becomes of it is ours.
    bool extending = false;  ///< An extension is under way: no other change before its answer.
    bool copied = false;     ///< Its dead letter is safe.
    std::weak_ptr<const int> in_runtime;  ///< `handed_out`: as long as the runtime keeps it.

    // Of `settling`:
    Verdict verdict = Verdict::ack;
    bool asked = false;                  ///< The runtime waits for the event.
    bool refused = false;                ///< Its dead letter was not taken: it goes back instead.
    std::chrono::seconds visibility{0};  ///< `retry`, `release`
    DeadLetterNote note;                 ///< `dead_letter`

    /// Whether it returns to the queue, by a change of its visibility.
    [[nodiscard]] bool goes_back() const {
        return verdict == Verdict::retry || verdict == Verdict::release;
    }
};

/// What an `SqsConnection` does between `open` and `close`, on one thread. The pieces are in
/// consumer.cpp (receiving, handing out), consumer_visibility.cpp (extensions),
/// consumer_settle.cpp (verdicts) and consumer_dead_letters.cpp (copies).
class Consumer {
public:
    using Key = std::uint64_t;

    Consumer(EventLoop& loop, AwsCaller& caller, SqsSettings settings, QueueSetup setup,
             RandomSource random, Logger logger, const Limits& limits, Key first_key,
             ConnectionStates& states);

    void limit(const Limits& limits) { budget_.limit(limits); }
    void set_listen_interval(std::chrono::seconds interval) {
        settings_.listen_interval = interval;
    }
    /// Of messages received from now on; zero is the queue's own.
    void set_visibility(std::chrono::seconds timeout);

    /// Starts whatever can be started now; returns when there will be more to do.
    SteadyTime pump();

    /// Appends what has happened to `out`, deliveries whose turn it is among it. Returns whether
    /// anything has.
    bool take_events(Events& out);

    void settle(Settlement settlement);
    void stop_receiving();

    /// Gives back what is in hand, until the deadline at most, and ends all calls.
    void close(SteadyTime deadline);

    [[nodiscard]] const std::optional<Error>& fatal() const { return fatal_; }
    /// Verdicts of the runtime that no event has answered yet.
    [[nodiscard]] std::size_t unsettled() const { return unsettled_; }
    /// Messages that we keep hidden from others.
    [[nodiscard]] std::size_t hidden() const;
    [[nodiscard]] bool last_poll_was_empty() const { return last_poll_was_empty_; }
    [[nodiscard]] bool has_waiting() const { return !ready_.empty() || held_ > 0; }
    [[nodiscard]] Key next_key() const { return last_key_ + 1; }
    [[nodiscard]] SqsApi& api() { return api_; }
    [[nodiscard]] const QueueSetup& setup() const { return setup_; }

private:
    struct Poll {
        std::size_t asked;
        SteadyTime started;
        std::string attempt_id;
    };

    // Receiving.
    SteadyTime start_polls(SteadyTime now);
    [[nodiscard]] std::size_t free_places() const;
    void start_poll(std::size_t size, SteadyTime now);
    void polled(AwsCaller::Id id, tl::expected<std::vector<ReceivedMessage>, CallFailure> result);
    void poll_failed(const Poll& poll, const CallFailure& failure);
    void heard(const CallFailure* failure);
    void note_state();
    [[nodiscard]] bool polls_will_answer(SteadyTime now) const;
    std::size_t take_in(std::vector<ReceivedMessage> messages);
    bool take_in(ReceivedMessage message, bool group_is_broken);
    [[nodiscard]] Entry make_entry(ReceivedMessage message, Key key, SteadyTime now) const;
    [[nodiscard]] bool take_over(const ReceivedMessage& message);
    void wait_for_turn(Key key, Entry& entry);
    void forget_dropped();
    void let_go_of_body(Entry& entry);
    [[nodiscard]] std::uint32_t attempt_of(const ReceivedMessage& message) const;

    // Visibility.
    [[nodiscard]] std::chrono::milliseconds part_of_visibility(int divisor) const {
        return std::chrono::milliseconds(setup_.visibility) / divisor;
    }
    void schedule_extension(Key key, Entry& entry, SteadyTime at);
    void unschedule_extension(Key key, Entry& entry);
    SteadyTime start_extensions(SteadyTime now);
    void extend(std::vector<Key> keys, SteadyTime now);
    void extended(Key key, const EntryOutcome& outcome, SteadyTime hidden_until);
    void lose(Key key, Entry& entry, std::string_view why, bool overdue = false);
    void tell_lost(Key key, Entry& entry, bool overdue = false);

    // Settling.
    void settle_lost(Key key, Entry& entry, const Settlement& settlement);
    void begin_settling(Key key, Entry& entry, Verdict verdict);
    void give_back(Key key, Entry& entry);
    void give_back_behind(const std::vector<Key>& keys);
    void queue_for_lane(Key key, Entry& entry);
    SteadyTime start_settlements(SteadyTime now);
    void start_deletes(SteadyTime now);
    void start_changes(SteadyTime now);
    void deleted(const std::vector<std::pair<Key, std::string>>& batch,
                 const tl::expected<Outcomes, CallFailure>& result);
    void deleted(Key key, Entry& entry, const EntryOutcome& outcome);
    void changed(const std::vector<std::pair<Key, std::string>>& batch,
                 const tl::expected<Outcomes, CallFailure>& result);
    void lane_answered(Lane& lane, const std::vector<Key>& again, std::string_view what,
                       std::string_view why);
    bool call_is_fatal(const CallFailure& failure);
    void conclude(Key key, Entry& entry, bool safe);
    void finish(Key key);
    void remember_attempts(const Entry& entry, std::int64_t made);
    void remember_done(const Entry& entry);
    [[nodiscard]] Entry* find(Key key);

    // Dead letters.
    void start_copies(SteadyTime now);
    void send_copies(const std::vector<Key>& keys, SteadyTime now);
    void copied(const std::vector<Key>& batch, const tl::expected<Outcomes, CallFailure>& result);
    void copy_refused(Key key, Entry& entry, std::string_view why);
    void close_gate(std::string why);
    void look_for_dead_letters();
    void found_dead_letters(const tl::expected<Queue, CallFailure>& found, bool created);

    EventLoop& loop_;
    SqsSettings settings_;
    QueueSetup setup_;
    RandomSource random_;
    Logger logger_;
    SqsApi api_;

    RareLog rarely_;

    HandBudget budget_;
    bool stopping_ = false;
    ConnectionStates& states_;
    std::string unreached_;  ///< Why there was no answer to the last call; empty: there was one.
    std::string trouble_;    ///< What failed last.
    SteadyTime last_given_back_at_ = SteadyTime::min();
    std::optional<Error> fatal_;

    Key last_key_;
    std::unordered_map<Key, Entry> entries_;
    std::unordered_map<std::string, Key> by_message_id_;
    /// Told to be lost and still with the runtime, which may drop them without a verdict.
    std::unordered_set<Key> told_;
    std::vector<Events::Settled> settled_events_;
    std::vector<Events::Lost> lost_events_;
    std::deque<Key> ready_;
    FifoOrder order_;
    std::size_t held_ = 0;
    std::size_t settling_ = 0;   ///< Our own releases and deletes among them.
    std::size_t unsettled_ = 0;  ///< Those that the runtime waits for.

    PollControl control_;
    std::unordered_map<AwsCaller::Id, Poll> polls_;
    std::size_t asked_ = 0;  ///< Places that the polls under way may fill.
    Backoff poll_backoff_;
    SteadyTime next_poll_at_ = SteadyTime::min();
    bool last_poll_was_empty_ = false;
    std::deque<std::string> attempts_to_repeat_;

    std::set<std::pair<SteadyTime, Key>> extensions_;

    Lane deletes_;
    Lane changes_;
    Lane copies_;

    /// While the dead-letter queue takes nothing, what is given up goes back without a try.
    struct Gate {
        SteadyTime closed_until = SteadyTime::min();
        std::chrono::seconds pause{0};  ///< The last one; it doubles.
        std::string why;
        bool looking = false;  ///< A look for the queue is under way.
    };
    Gate gate_;

    /// The receive count minus attempts of messages that were returned, for a retry or uncharged.
    /// Bounded, and only for this process: SQS counts nothing but receives.
    std::unordered_map<std::string, std::int64_t> uncharged_;
    /// Messages that are done with and may yet come again, since SQS took no delete: they are
    /// deleted on sight. Bounded.
    std::unordered_set<std::string> done_;
};

}  // namespace rococo::messaging::sqs
