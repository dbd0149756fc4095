// SPDX-License-Identifier: MIT
#pragma once

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
#include "backoff.hpp"
#include "event_loop.hpp"
#include "fifo_order.hpp"
#include "lane.hpp"
#include "message_codec.hpp"
#include "poll_control.hpp"
#include "queue_setup.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging::sqs {

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
    std::uint32_t receive_count = 1;
    std::uint32_t attempt = 1;
    SteadyTime received_at;
    SteadyTime hidden_until;
    std::optional<SteadyTime> extend_at;  ///< Where it is in the schedule of extensions.
    Stage stage = Stage::waiting;
    bool lost = false;       ///< Its visibility ran out: the queue brings it again.
    bool extending = false;  ///< An extension is under way: no other change before its answer.
    bool copied = false;     ///< Its dead letter is safe.

    // Of `settling`:
    Verdict verdict = Verdict::ack;
    std::chrono::seconds visibility{0};  ///< `retry`, `release`
    DeadLetterNote note;                 ///< `dead_letter`
};

/// What an `SqsConnection` does between `open` and `close`, on one thread. The pieces are in
/// consumer.cpp (receiving, handing out), consumer_visibility.cpp (extensions) and
/// consumer_settle.cpp (verdicts).
class Consumer {
public:
    using Key = std::uint64_t;

    Consumer(EventLoop& loop, AwsCaller& caller, SqsSettings settings, QueueSetup setup,
             RandomBits random, Logger logger, Key first_key);

    void set_prefetch(std::size_t deliveries) { prefetch_ = std::max<std::size_t>(deliveries, 1); }
    void set_listen_interval(std::chrono::seconds interval) {
        settings_.listen_interval = interval;
    }
    void set_visibility(std::chrono::seconds timeout);

    /// Starts whatever can be started now; returns when there will be more to do.
    SteadyTime pump();

    /// Moves deliveries whose turn it is to `out`.
    void hand_out(Deliveries& out);

    void settle(Settlement settlement);
    void stop_receiving();

    /// Gives back what is in hand, until the deadline at most, and ends all calls.
    void close(SteadyTime deadline);

    [[nodiscard]] const std::optional<Error>& fatal() const { return fatal_; }
    [[nodiscard]] std::size_t settling() const { return settling_; }
    [[nodiscard]] std::size_t in_hand() const { return entries_.size(); }
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
    [[nodiscard]] bool polls_will_answer(SteadyTime now) const;
    void take_in(std::vector<ReceivedMessage> messages);
    void take_in(ReceivedMessage message, bool group_is_broken);
    [[nodiscard]] bool take_over(const ReceivedMessage& message);
    void wait_for_turn(Key key, Entry& entry);
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
    void lose(Key key, Entry& entry, std::string_view why);

    // Settling.
    void begin_settling(Key key, Entry& entry, Verdict verdict);
    void give_back(Key key, Entry& entry);
    void give_back_behind(const std::vector<Key>& keys);
    void queue_for_lane(Key key, Entry& entry);
    SteadyTime start_settlements(SteadyTime now);
    void start_deletes(SteadyTime now);
    void start_changes(SteadyTime now);
    void start_copies(SteadyTime now);
    void deleted(const std::vector<std::pair<Key, std::string>>& batch,
                 const tl::expected<Outcomes, CallFailure>& result);
    void changed(const std::vector<std::pair<Key, std::string>>& batch,
                 const tl::expected<Outcomes, CallFailure>& result);
    void copied(const std::vector<Key>& batch, const tl::expected<Outcomes, CallFailure>& result);
    void copy_refused(Key key, Entry& entry, std::string_view why);
    void lane_answered(Lane& lane, const std::vector<Key>& again, std::string_view what,
                       std::string_view why);
    bool call_is_fatal(const CallFailure& failure);
    void finish(Key key);
    void remember_attempts(const Entry& entry, std::uint32_t made);
    [[nodiscard]] Entry* find(Key key);

    EventLoop& loop_;
    SqsSettings settings_;
    QueueSetup setup_;
    RandomBits random_;
    Logger logger_;
    SqsApi api_;

    std::size_t prefetch_ = 1;
    bool stopping_ = false;
    SteadyTime last_given_back_at_ = SteadyTime::min();
    std::optional<Error> fatal_;

    Key last_key_;
    std::unordered_map<Key, Entry> entries_;
    std::unordered_map<std::string, Key> by_message_id_;
    std::deque<Key> ready_;
    FifoOrder order_;
    std::size_t held_ = 0;
    std::size_t settling_ = 0;

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

    /// Receive count less attempts of messages that were given back, be it for a retry or with
    /// nothing charged. Bounded, and of this process only: SQS keeps no count but its receives.
    std::unordered_map<std::string, std::int64_t> uncharged_;
};

}  // namespace rococo::messaging::sqs
