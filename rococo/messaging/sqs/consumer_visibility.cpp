// SPDX-License-Identifier: MIT
// Keeping what is in hand invisible to others.
#include <algorithm>

#include "consumer.hpp"
#include "rococo/base/duration_text.hpp"

namespace rococo::messaging::sqs {
namespace {

/// Whether the 12-hour limit is reached: SQS counts whole seconds and allows no further extension.
bool at_limit(const Entry& entry) {
    return entry.hidden_until + std::chrono::seconds(1) > entry.received_at + kLongestInHand;
}

}  // namespace

void Consumer::schedule_extension(Key key, Entry& entry, SteadyTime at) {
    unschedule_extension(key, entry);
    entry.extend_at = at;
    extensions_.emplace(at, key);
}

void Consumer::unschedule_extension(Key key, Entry& entry) {
    if (!entry.extend_at) return;
    extensions_.erase({*entry.extend_at, key});
    entry.extend_at.reset();
}

SteadyTime Consumer::start_extensions(SteadyTime now) {
    // Those that would follow within moments come along in the same batch.
    const auto soon = now + part_of_visibility(10);
    std::vector<Key> at_their_limit;
    while (!extensions_.empty() && extensions_.begin()->first <= now) {
        std::vector<Key> batch;
        while (batch.size() < kMaxBatch && !extensions_.empty() &&
               extensions_.begin()->first <= soon) {
            const Key key = extensions_.begin()->second;
            Entry& entry = entries_.at(key);
            unschedule_extension(key, entry);
            if (now >= entry.hidden_until) {
                lose(key, entry,
                     at_limit(entry) ? "SQS allows 12 hours at most"
                                     : "no extension was answered in time",
                     at_limit(entry));
            } else if (at_limit(entry)) {
                // Nothing is left to extend by: what it has must do.
                at_their_limit.push_back(key);
            } else {
                batch.push_back(key);
            }
        }
        if (!batch.empty()) extend(std::move(batch), now);
    }
    for (const Key key : at_their_limit) {
        if (Entry* entry = find(key)) schedule_extension(key, *entry, entry->hidden_until);
    }
    return extensions_.empty() ? SteadyTime::max() : extensions_.begin()->first;
}

void Consumer::extend(std::vector<Key> keys, SteadyTime now) {
    std::vector<VisibilityChange> changes;
    std::vector<SteadyTime> until;
    for (const Key key : keys) {
        Entry& entry = entries_.at(key);
        entry.extending = true;
        const auto left =
            std::chrono::floor<std::chrono::seconds>(entry.received_at + kLongestInHand - now);
        const auto visibility = std::min<std::chrono::seconds>(setup_.visibility, left);
        changes.push_back({entry.receipt_handle, visibility});
        until.push_back(now + visibility);
    }
    api_.change_visibility(
        setup_.queue, changes,
        [this, keys = std::move(keys), until = std::move(until)](const auto& result) {
            heard(result ? nullptr : &result.error());
            for (std::size_t i = 0; i < keys.size(); ++i) {
                const EntryOutcome unanswered;
                extended(keys[i], result ? (*result)[i] : unanswered, until[i]);
            }
            if (!result) call_is_fatal(result.error());
        });
}

void Consumer::extended(Key key, const EntryOutcome& outcome, SteadyTime hidden_until) {
    Entry* entry = find(key);
    if (entry == nullptr) return;
    entry->extending = false;
    if (entry->stage == Entry::Stage::settling && entry->goes_back()) {
        queue_for_lane(key, *entry);
        return;
    }
    const auto now = loop_.clock().steady_now();
    if (outcome.done()) {
        // Half of what was granted: near the limit that is less than the timeout, and half of the
        // timeout would lie in the past, where extending goes round without a pause.
        const auto granted = std::chrono::duration_cast<std::chrono::milliseconds>(
            hidden_until - std::min(now, hidden_until));
        entry->hidden_until = hidden_until;
        schedule_extension(key, *entry, hidden_until - granted / 2);
    } else if (outcome.passing()) {
        // Several tries fit into the half that is left; `start_extensions` sees when it is over.
        schedule_extension(key, *entry, now + part_of_visibility(8));
    } else if (entry->stage != Entry::Stage::settling) {
        lose(key, *entry, outcome.code);
    }
}

/// The runtime is told once. A processor that works on it goes on: it cannot be stopped, and what
/// it does may still count, as SQS may yet take the delete, or bring the message to us again.
void Consumer::lose(Key key, Entry& entry, std::string_view why, bool overdue) {
    if (entry.lost) return;
    entry.lost = true;
    const auto held_for =
        std::chrono::floor<std::chrono::seconds>(loop_.clock().steady_now() - entry.received_at);
    if (const auto more = rarely_.turn("lost")) {
        logger_.warning(
            "SQS message '{}' is no longer hidden from others after {} in hand ({}): it "
            "will be delivered again, and may be processed twice.{}",
            entry.message_id, format_roughly(held_for), why, *more);
    }
    if (entry.stage == Entry::Stage::waiting || entry.stage == Entry::Stage::held) {
        // Nobody has begun with it: the queue's next delivery is the one to process.
        remember_attempts(entry, static_cast<std::int64_t>(entry.attempt) - 1);
        if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
        if (entry.stage == Entry::Stage::held) --held_;
        finish(key);
        return;
    }
    tell_lost(key, entry, overdue);
    // FIFO: with the ones behind it still hidden the group would stand still.
    if (!entry.group.empty()) give_back_behind(order_.take_behind(entry.group, key));
}

/// Ends it for the runtime. What is left to do for it here is ours alone.
void Consumer::tell_lost(Key key, Entry& entry, bool overdue) {
    const bool with_runtime = entry.stage == Entry::Stage::handed_out;
    if (entry.told || !(with_runtime || entry.asked)) return;
    lost_events_.push_back({key, overdue && with_runtime});
    entry.told = true;
    if (with_runtime) told_.insert(key);
    if (entry.asked) {
        entry.asked = false;
        --unsettled_;
        // Its work is done. If this host receives it again, it is deleted at once.
        if (entry.verdict == Verdict::ack || entry.copied) remember_done(entry);
    }
}

/// The runtime may drop a lost delivery without a verdict if it was not started. If it has been
/// received again meanwhile, it is returned to the queue.
void Consumer::forget_dropped() {
    std::vector<Key> dropped;
    for (const Key key : told_) {
        if (entries_.at(key).in_runtime.expired()) dropped.push_back(key);
    }
    for (const Key key : dropped) {
        told_.erase(key);
        Entry& entry = entries_.at(key);
        let_go_of_body(entry);
        if (!entry.lost) {
            give_back(key, entry);
            continue;
        }
        remember_attempts(entry, static_cast<std::int64_t>(entry.attempt) - 1);
        if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
        finish(key);
    }
}

}  // namespace rococo::messaging::sqs
