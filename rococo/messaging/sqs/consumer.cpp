// SPDX-License-Identifier: MIT
#include "consumer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rococo::messaging::sqs {
namespace {

/// Deletes and changes that lag behind stop the polls: their messages must be kept invisible too.
constexpr std::size_t kMaxSettling = 2000;
/// FIFO: messages that wait behind their group's first do not count as prefetched, but are bounded.
constexpr std::size_t kMaxHeld = 1000;
/// A queue that has nothing for us is not asked more often than that, whatever LISTEN_INTERVAL
/// says: polls cost money.
constexpr std::chrono::seconds kBetweenEmptyPolls{1};
constexpr std::size_t kMaxRemembered = 20'000;
/// How soon SQS answers a waiting poll once a message is visible.
constexpr std::chrono::milliseconds kAfterGivingBack{300};

}  // namespace

Consumer::Consumer(EventLoop& loop, AwsCaller& caller, SqsSettings settings, QueueSetup setup,
                   RandomSource random, Logger logger, const Limits& limits, Key first_key,
                   ConnectionStates& states)
    : loop_(loop),
      settings_(std::move(settings)),
      setup_(std::move(setup)),
      random_(std::move(random)),
      logger_(logger),
      api_(caller, settings_),
      rarely_(loop.clock()),
      states_(states),
      last_key_(first_key),
      control_(settings_.max_polls),
      poll_backoff_(settings_.first_backoff, settings_.longest_backoff),
      deletes_(settings_, 16),
      changes_(settings_, 8),
      copies_(settings_, 4) {
    budget_.limit(limits);
}

void Consumer::set_visibility(std::chrono::seconds timeout) {
    setup_.visibility = visibility_in_force(timeout, setup_.own_visibility);
}

Entry* Consumer::find(Key key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second;
}

SteadyTime Consumer::pump() {
    const auto now = loop_.clock().steady_now();
    if (fatal_) return SteadyTime::max();
    forget_dropped();
    const auto settle_at = start_settlements(now);
    const auto extend_at = start_extensions(now);
    const auto poll_at = start_polls(now);
    return std::min({settle_at, extend_at, poll_at});
}

// ---- Polls ----

std::size_t Consumer::free_places() const {
    return budget_.room(entries_.size() - settling_ - held_, asked_);
}

SteadyTime Consumer::start_polls(SteadyTime now) {
    if (stopping_ || states_.is_paused() || settling_ >= kMaxSettling || held_ >= kMaxHeld)
        return SteadyTime::max();
    while (polls_.size() < control_.target()) {
        const auto size = std::min(free_places(), kMaxBatch);
        if (size < budget_.worth_asking() && !(size > 0 && entries_.empty() && polls_.empty())) {
            break;
        }
        if (now < next_poll_at_) return next_poll_at_;
        start_poll(size, now);
    }
    return SteadyTime::max();
}

void Consumer::start_poll(std::size_t size, SteadyTime now) {
    ReceiveOptions options{size, settings_.listen_interval, setup_.visibility, ""};
    if (setup_.queue.fifo()) {
        // A poll whose answer was lost is repeated under its old id: SQS gives the same messages.
        options.attempt_id = random_uuid(random_);
        if (!attempts_to_repeat_.empty()) {
            options.attempt_id = std::move(attempts_to_repeat_.front());
            attempts_to_repeat_.pop_front();
        }
    }
    // The id is known only after the call has begun, and the answer comes only after that.
    auto id = std::make_shared<AwsCaller::Id>(0);
    *id = api_.receive(setup_.queue, options,
                       [this, id](auto result) { polled(*id, std::move(result)); });
    polls_.emplace(*id, Poll{size, now, options.attempt_id});
    asked_ += size;
}

void Consumer::polled(AwsCaller::Id id,
                      tl::expected<std::vector<ReceivedMessage>, CallFailure> result) {
    const auto poll = std::move(polls_.extract(id).mapped());
    asked_ -= poll.asked;
    heard(result ? nullptr : &result.error());
    if (!result) {
        poll_failed(poll, result.error());
        return;
    }
    if (poll_backoff_.failures() > 0) {
        if (const auto more = rarely_.turn("answers")) logger_.info("SQS answers again.{}", *more);
        poll_backoff_.reset();
    }
    const auto now = loop_.clock().steady_now();
    control_.answered(poll.asked, result->size(),
                      std::chrono::duration_cast<std::chrono::milliseconds>(now - poll.started));
    last_poll_was_empty_ = result->empty();
    // Treat unusable messages like an empty answer: polling again at once would loop forever.
    if (take_in(std::move(*result)) == 0) {
        next_poll_at_ = std::max(next_poll_at_, poll.started + kBetweenEmptyPolls);
    }
}

void Consumer::poll_failed(const Poll& poll, const CallFailure& failure) {
    if (!failure.passing) {
        fatal_ = failure.error;
        return;
    }
    if (!poll.attempt_id.empty() && attempts_to_repeat_.size() < settings_.max_polls) {
        attempts_to_repeat_.push_back(poll.attempt_id);
    }
    if (const auto more = rarely_.turn("receiving")) {
        logger_.warning("Receiving fails, trying again: {}{}", failure.error.message, *more);
    } else {
        logger_.debug("Receiving fails, trying again: {}", failure.error.message);
    }
    next_poll_at_ = loop_.clock().steady_now() + poll_backoff_.next_from_zero(random_);
}

// ---- The state of the connection ----

/// What became of a call, whichever it was; null: it was answered.
void Consumer::heard(const CallFailure* failure) {
    unreached_ = failure != nullptr && failure->unreached ? failure->error.message : "";
    if (failure != nullptr) trouble_ = failure->error.message;
}

void Consumer::note_state() {
    const auto now = loop_.clock().steady_now();
    if (fatal_) return states_.lost(now, fatal_->message);
    if (!unreached_.empty()) return states_.lost(now, unreached_);
    const bool polls_fail = poll_backoff_.failures() > 0 && !states_.is_paused() && !stopping_;
    const bool fails =
        polls_fail || deletes_.is_failing() || changes_.is_failing() || copies_.is_failing();
    states_.blocked(now, fails ? trouble_ : std::string());
    states_.connected(now);
}

// ---- Messages ----

/// Returns how many of them are new and of use.
std::size_t Consumer::take_in(std::vector<ReceivedMessage> messages) {
    std::size_t taken = 0;
    // What comes behind a message that cannot be used must not overtake it.
    std::unordered_set<std::string> broken_groups;
    for (auto& message : messages) {
        const auto group = message.group_id;
        const auto damaged = damaged_part(message);
        if (message.receipt_handle.empty() || message.id.empty() || !damaged.empty()) {
            if (const auto more = rarely_.turn(damaged)) {
                logger_.warning(
                    "SQS message '{}' came {}: it is left to come again after its "
                    "visibility timeout.{}",
                    message.id,
                    damaged.empty() ? std::string("without a receipt handle")
                                    : fmt::format("with a wrong MD5 of its {}", damaged),
                    *more);
            }
            if (!group.empty()) broken_groups.insert(group);
            continue;
        }
        taken += take_in(std::move(message), broken_groups.contains(group)) ? 1 : 0;
    }
    return taken;
}

Entry Consumer::make_entry(ReceivedMessage message, Key key, SteadyTime now) const {
    Entry entry;
    entry.message_id = message.id;
    entry.receipt_handle = message.receipt_handle;
    if (setup_.queue.fifo()) entry.group = message.group_id;
    entry.bytes = message.bytes();
    entry.receive_count = message.receive_count;
    entry.attempt = attempt_of(message);
    entry.received_at = now;
    entry.hidden_until = now + setup_.visibility;
    entry.delivery = std::make_unique<SqsDelivery>(std::move(message), setup_.queue.name, key);
    entry.delivery->attempt = entry.attempt;
    entry.delivery->attempt_counts_crashes = true;
    // Unless it was this process that gave it back: then it is known what became of it.
    entry.delivery->redelivered = entry.receive_count > 1 && !uncharged_.contains(entry.message_id);
    return entry;
}

bool Consumer::take_in(ReceivedMessage message, bool group_is_broken) {
    if (take_over(message)) return false;
    const auto now = loop_.clock().steady_now();
    const Key key = ++last_key_;
    auto& entry = entries_.emplace(key, make_entry(std::move(message), key, now)).first->second;
    budget_.took(entry.bytes);
    by_message_id_[entry.message_id] = key;
    if (done_.contains(entry.message_id)) {
        if (!entry.group.empty()) order_.add(entry.group, key);
        entry.delivery.reset();
        let_go_of_body(entry);
        begin_settling(key, entry, Verdict::ack);
        return true;
    }
    if (stopping_ || group_is_broken) {
        give_back(key, entry);
        return !group_is_broken;
    }
    schedule_extension(key, entry, now + part_of_visibility(2));
    wait_for_turn(key, entry);
    return true;
}

/// A message that is in hand already was received again: its visibility ran out, or SQS delivered
/// it twice. The newest receipt handle is the one that counts; its processing is not begun again.
bool Consumer::take_over(const ReceivedMessage& message) {
    const auto known = by_message_id_.find(message.id);
    if (known == by_message_id_.end()) return false;
    const Key key = known->second;
    Entry& entry = entries_.at(key);
    if (entry.stage == Entry::Stage::settling && entry.goes_back()) {
        // The change took effect before its answer was read: this is the next delivery.
        conclude(key, entry, !entry.refused && loop_.clock().steady_now() < entry.hidden_until);
        return false;
    }
    if (const auto more = rarely_.turn("again")) {
        logger_.info("SQS message '{}' came again while in hand: carrying on with it.{}",
                     message.id, *more);
    }
    const auto now = loop_.clock().steady_now();
    entry.receipt_handle = message.receipt_handle;
    entry.receive_count = message.receive_count;
    entry.received_at = now;
    entry.hidden_until = now + setup_.visibility;
    entry.lost = false;
    if (!entry.extending) schedule_extension(key, entry, now + part_of_visibility(2));
    return true;
}

std::uint32_t Consumer::attempt_of(const ReceivedMessage& message) const {
    const auto known = uncharged_.find(message.id);
    const auto uncharged = known == uncharged_.end() ? 0 : known->second;
    return static_cast<std::uint32_t>(
        std::max<std::int64_t>(1, static_cast<std::int64_t>(message.receive_count) - uncharged));
}

void Consumer::remember_attempts(const Entry& entry, std::int64_t made) {
    // Full: forget all rather than grow. At worst attempts are charged that were none.
    if (uncharged_.size() >= kMaxRemembered) uncharged_.clear();
    uncharged_[entry.message_id] = static_cast<std::int64_t>(entry.receive_count) - made;
}

void Consumer::remember_done(const Entry& entry) {
    // Full: at worst some are processed once more.
    if (done_.size() >= kMaxRemembered) done_.clear();
    done_.insert(entry.message_id);
}

void Consumer::wait_for_turn(Key key, Entry& entry) {
    if (!entry.group.empty() && !order_.add(entry.group, key)) {
        entry.stage = Entry::Stage::held;
        ++held_;
        return;
    }
    entry.stage = Entry::Stage::waiting;
    ready_.push_back(key);
}

bool Consumer::take_events(Events& out) {
    const auto before = out.count();
    for (; !ready_.empty(); ready_.pop_front()) {
        Entry* entry = find(ready_.front());
        if (entry == nullptr || entry->stage != Entry::Stage::waiting) continue;
        entry->stage = Entry::Stage::handed_out;
        entry->in_runtime = entry->delivery->held;
        out.deliveries.push_back(std::move(entry->delivery));
    }
    note_state();
    states_.tell(out);
    out.settled.insert(out.settled.end(), settled_events_.begin(), settled_events_.end());
    out.lost.insert(out.lost.end(), lost_events_.begin(), lost_events_.end());
    settled_events_.clear();
    lost_events_.clear();
    return out.count() > before;
}

std::size_t Consumer::hidden() const {
    return static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(), [](const auto& entry) { return !entry.second.lost; }));
}

// ---- The end ----

void Consumer::stop_receiving() {
    if (stopping_) return;
    stopping_ = true;
    std::vector<Key> unbegun;
    for (const auto& [key, entry] : entries_) {
        if (entry.stage == Entry::Stage::waiting || entry.stage == Entry::Stage::held) {
            unbegun.push_back(key);
        }
    }
    for (const Key key : unbegun) {
        if (Entry* entry = find(key)) give_back(key, *entry);
    }
    ready_.clear();
}

/// Whether polls under way are about to bring messages, which must be read and given back: an
/// answer is on its way, or messages were shown to the queue a moment ago, and the polls see them
/// first.
bool Consumer::polls_will_answer(SteadyTime now) const {
    if (polls_.empty()) return false;
    if (last_given_back_at_ != SteadyTime::min() && now < last_given_back_at_ + kAfterGivingBack) {
        return true;
    }
    return std::any_of(polls_.begin(), polls_.end(),
                       [this](const auto& poll) { return api_.caller().answering(poll.first); });
}

void Consumer::close(SteadyTime deadline) {
    stop_receiving();
    std::vector<Key> in_hand;
    for (const auto& [key, entry] : entries_) {
        if (entry.stage == Entry::Stage::handed_out) in_hand.push_back(key);
    }
    for (const Key key : in_hand) {
        if (Entry* entry = find(key)) give_back(key, *entry);
    }
    for (auto now = loop_.clock().steady_now();
         now < deadline && !fatal_ && (settling_ > 0 || polls_will_answer(now));
         now = loop_.clock().steady_now()) {
        loop_.turn(std::min({deadline, pump(), now + kAfterGivingBack}));
    }
    for (const auto& [id, poll] : polls_) api_.caller().cancel(id);
    polls_.clear();
}

}  // namespace rococo::messaging::sqs
