// SPDX-License-Identifier: MIT
// Carrying out verdicts: deletes, visibility changes, dead letters; in batches, until they are
// safe.
#include <fmt/format.h>

#include <algorithm>

#include "consumer.hpp"

namespace rococo::messaging::sqs {
namespace {

DeadLetterNote note_of(const SqsDelivery& delivery, const Settlement& settlement,
                       const std::string& queue, const std::string& group, SystemTime now) {
    const auto first = delivery.message.first_received_at;
    return {std::string(delivery.id),
            queue,
            settlement.reason,
            settlement.error,
            settlement.attempts,
            first == SystemTime() ? now : first,
            now,
            group};
}

}  // namespace

void Consumer::settle(Settlement settlement) {
    auto* delivery = dynamic_cast<SqsDelivery*>(settlement.delivery.get());
    if (delivery == nullptr) return;
    const Key key = delivery->number;
    Entry* entry = find(key);
    // Of an earlier connection: the queue brings it again.
    if (entry == nullptr || entry->stage != Entry::Stage::handed_out) return;
    told_.erase(key);
    if (entry->lost) {
        let_go_of_body(*entry);
        settle_lost(key, *entry, settlement);
        return;
    }
    if (settlement.verdict == Verdict::retry) {
        // Less the time that it has been hidden already: SQS counts the 12 hours from the receipt.
        const auto held = loop_.clock().steady_now() - entry->received_at;
        const auto most = std::max(std::chrono::floor<std::chrono::seconds>(kLongestInHand - held),
                                   std::chrono::seconds(0));
        entry->visibility = std::clamp<std::chrono::seconds>(
            std::chrono::ceil<std::chrono::seconds>(settlement.delay), std::chrono::seconds(0),
            most);
        remember_attempts(*entry, settlement.attempts);
    } else if (settlement.verdict == Verdict::release) {
        entry->visibility = std::chrono::seconds(0);
        remember_attempts(*entry, static_cast<std::int64_t>(entry->attempt) - 1);
    }
    if (settlement.verdict == Verdict::dead_letter) {
        entry->note =
            note_of(*delivery, settlement, setup_.queue.name, entry->group, loop_.clock().now());
        entry->delivery.reset(static_cast<SqsDelivery*>(settlement.delivery.release()));
    } else {
        let_go_of_body(*entry);
    }
    entry->asked = !entry->told;
    if (entry->asked) ++unsettled_;
    begin_settling(key, *entry, settlement.verdict);
}

/// The runtime knows already that it comes again. What is known of it here is kept in mind for
/// then.
void Consumer::settle_lost(Key key, Entry& entry, const Settlement& settlement) {
    if (settlement.verdict == Verdict::ack) {
        // The old handle may still do; where it does not, the message is deleted on sight.
        remember_done(entry);
        begin_settling(key, entry, Verdict::ack);
        return;
    }
    const bool begun = settlement.verdict != Verdict::release;
    remember_attempts(entry, begun ? static_cast<std::int64_t>(settlement.attempts)
                                   : static_cast<std::int64_t>(entry.attempt) - 1);
    if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
    finish(key);
}

void Consumer::begin_settling(Key key, Entry& entry, Verdict verdict) {
    if (entry.stage == Entry::Stage::held) --held_;
    told_.erase(key);
    entry.stage = Entry::Stage::settling;
    entry.verdict = verdict;
    ++settling_;
    if (entry.goes_back()) {
        unschedule_extension(key, entry);
        if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
    }
    // An extension under way could undo the change if it arrives after it.
    if (!entry.goes_back() || !entry.extending) queue_for_lane(key, entry);
}

void Consumer::give_back(Key key, Entry& entry) {
    if (entry.stage == Entry::Stage::settling) return;
    entry.visibility = std::chrono::seconds(0);
    remember_attempts(entry, static_cast<std::int64_t>(entry.attempt) - 1);
    entry.delivery.reset();
    let_go_of_body(entry);
    begin_settling(key, entry, Verdict::release);
}

void Consumer::give_back_behind(const std::vector<Key>& keys) {
    for (const Key key : keys) {
        if (Entry* entry = find(key)) give_back(key, *entry);
    }
}

void Consumer::queue_for_lane(Key key, Entry& entry) {
    const auto now = loop_.clock().steady_now();
    if (entry.verdict == Verdict::dead_letter && !entry.copied) {
        copies_.add(key, now);
    } else if (entry.goes_back()) {
        changes_.add(key, now);
    } else {
        deletes_.add(key, now);
    }
}

SteadyTime Consumer::start_settlements(SteadyTime now) {
    // Do not wait if nothing more will join the batch, or if its answer is awaited.
    const bool urgent = stopping_ || held_ > 0;
    while (deletes_.due(urgent) <= now) start_deletes(now);
    while (changes_.due(urgent) <= now) start_changes(now);
    while (!gate_.looking && copies_.due(true) <= now) start_copies(now);
    return std::min({deletes_.due(urgent), changes_.due(urgent),
                     gate_.looking ? SteadyTime::max() : copies_.due(true)});
}

void Consumer::start_deletes(SteadyTime now) {
    std::vector<std::pair<Key, std::string>> batch;
    std::vector<std::string> handles;
    for (const Key key : deletes_.take(now)) {
        const Entry* entry = find(key);
        if (entry == nullptr) continue;
        batch.emplace_back(key, entry->receipt_handle);
        handles.push_back(entry->receipt_handle);
    }
    if (batch.empty()) {
        deletes_.answered();
        return;
    }
    api_.remove(setup_.queue, handles,
                [this, batch = std::move(batch)](const auto& result) { deleted(batch, result); });
}

void Consumer::deleted(const std::vector<std::pair<Key, std::string>>& batch,
                       const tl::expected<Outcomes, CallFailure>& result) {
    heard(result ? nullptr : &result.error());
    std::vector<Key> again;
    std::string why = result ? "" : result.error().error.message;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& [key, handle] = batch[i];
        Entry* entry = find(key);
        if (entry == nullptr) continue;
        const bool passing = result ? (*result)[i].passing() : true;
        // Received again meanwhile: an old handle's delete may be answered and do nothing.
        if (passing || entry->receipt_handle != handle) {
            if (result) why = fmt::format("{} {}", (*result)[i].code, (*result)[i].message);
            again.push_back(key);
            continue;
        }
        deleted(key, *entry, (*result)[i]);
    }
    const bool fatal = !result && call_is_fatal(result.error());
    if (!fatal) lane_answered(deletes_, again, "Deleting", why);
}

/// One whose delete is answered for good.
void Consumer::deleted(Key key, Entry& entry, const EntryOutcome& outcome) {
    const auto group = entry.group;
    if (!outcome.done()) {
        if (const auto more = rarely_.turn("stale")) {
            logger_.warning(
                "SQS message '{}' was processed, but its receipt handle is no longer good "
                "({}): SQS will deliver it again.{}",
                entry.message_id, outcome.code, *more);
        }
        remember_done(entry);
        if (!group.empty()) give_back_behind(order_.gives_back(group, key));
        conclude(key, entry, false);
        return;
    }
    // A delete under an old handle is answered with success too, and may do nothing.
    if (!entry.lost) {
        uncharged_.erase(entry.message_id);
        done_.erase(entry.message_id);
    }
    const auto next = group.empty() ? std::nullopt : order_.settled(group, key);
    conclude(key, entry, true);
    Entry* turn = next ? find(*next) : nullptr;
    if (turn == nullptr || turn->stage != Entry::Stage::held) return;
    turn->stage = Entry::Stage::waiting;
    --held_;
    ready_.push_back(*next);
}

void Consumer::start_changes(SteadyTime now) {
    std::vector<std::pair<Key, std::string>> batch;
    std::vector<VisibilityChange> wanted;
    for (const Key key : changes_.take(now)) {
        const Entry* entry = find(key);
        if (entry == nullptr) continue;
        batch.emplace_back(key, entry->receipt_handle);
        wanted.push_back({entry->receipt_handle, entry->visibility});
    }
    if (batch.empty()) {
        changes_.answered();
        return;
    }
    api_.change_visibility(
        setup_.queue, wanted,
        [this, batch = std::move(batch)](const auto& result) { changed(batch, result); });
}

void Consumer::changed(const std::vector<std::pair<Key, std::string>>& batch,
                       const tl::expected<Outcomes, CallFailure>& result) {
    heard(result ? nullptr : &result.error());
    std::vector<Key> again;
    std::string why = result ? "" : result.error().error.message;
    const auto now = loop_.clock().steady_now();
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Key key = batch[i].first;
        Entry* entry = find(key);
        if (entry == nullptr) continue;
        const bool passing = result ? (*result)[i].passing() : true;
        // After its visibility timeout it has come back by itself.
        if (!passing || now >= entry->hidden_until) {
            last_given_back_at_ = now;
            conclude(key, *entry, result && (*result)[i].done() && !entry->refused);
            continue;
        }
        if (result) why = fmt::format("{} {}", (*result)[i].code, (*result)[i].message);
        again.push_back(key);
    }
    const bool fatal = !result && call_is_fatal(result.error());
    if (!fatal) lane_answered(changes_, again, "Giving back", why);
}

void Consumer::lane_answered(Lane& lane, const std::vector<Key>& again, std::string_view what,
                             std::string_view why) {
    lane.answered();
    if (again.empty()) {
        lane.succeeded();
        return;
    }
    trouble_ = why;
    if (const auto more = rarely_.turn(what)) {
        logger_.warning("{} {} messages fails, trying again: {}{}", what, again.size(), why, *more);
    }
    lane.put_back(again, loop_.clock().steady_now(), random_);
}

/// Whether the failure ends the host; told by the next `receive`.
bool Consumer::call_is_fatal(const CallFailure& failure) {
    if (failure.passing) return false;
    if (!fatal_) fatal_ = failure.error;
    return true;
}

/// The runtime's verdict is carried out and safe, or can no longer be.
void Consumer::conclude(Key key, Entry& entry, bool safe) {
    if (entry.asked && safe) settled_events_.push_back({key, entry.verdict});
    if (entry.asked && !safe) lost_events_.push_back({key, false});
    if (entry.asked) --unsettled_;
    finish(key);
}

void Consumer::let_go_of_body(Entry& entry) { budget_.let_go(std::exchange(entry.bytes, 0)); }

void Consumer::finish(Key key) {
    auto node = entries_.extract(key);
    if (!node) return;
    Entry& entry = node.mapped();
    unschedule_extension(key, entry);
    let_go_of_body(entry);
    told_.erase(key);
    if (entry.stage == Entry::Stage::settling) --settling_;
    const auto known = by_message_id_.find(entry.message_id);
    if (known != by_message_id_.end() && known->second == key) by_message_id_.erase(known);
}

}  // namespace rococo::messaging::sqs
