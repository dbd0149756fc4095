// SPDX-License-Identifier: MIT
// Keeping what is in hand invisible to others.
#include <algorithm>

#include "consumer.hpp"

namespace rococo::messaging::sqs {
namespace {

/// SQS's limit from the receipt on, whatever was extended since.
constexpr std::chrono::hours kLongestVisibility{12};

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
    while (!extensions_.empty() && extensions_.begin()->first <= now) {
        std::vector<Key> batch;
        while (batch.size() < kMaxBatch && !extensions_.empty() &&
               extensions_.begin()->first <= soon) {
            const Key key = extensions_.begin()->second;
            Entry& entry = entries_.at(key);
            unschedule_extension(key, entry);
            if (now >= entry.hidden_until) {
                lose(key, entry, "no extension was answered in time");
            } else if (now + std::chrono::seconds(1) > entry.received_at + kLongestVisibility) {
                lose(key, entry, "SQS allows 12 hours at most");
            } else {
                batch.push_back(key);
            }
        }
        if (!batch.empty()) extend(std::move(batch), now);
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
            std::chrono::floor<std::chrono::seconds>(entry.received_at + kLongestVisibility - now);
        const auto visibility = std::min<std::chrono::seconds>(setup_.visibility, left);
        changes.push_back({entry.receipt_handle, visibility});
        until.push_back(now + visibility);
    }
    api_.change_visibility(
        setup_.queue, changes,
        [this, keys = std::move(keys), until = std::move(until)](const auto& result) {
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
    const bool going_back =
        entry->stage == Entry::Stage::settling &&
        (entry->verdict == Verdict::retry || entry->verdict == Verdict::release);
    if (going_back) {
        queue_for_lane(key, *entry);
        return;
    }
    const auto now = loop_.clock().steady_now();
    if (outcome.done()) {
        entry->hidden_until = hidden_until;
        schedule_extension(key, *entry, hidden_until - part_of_visibility(2));
    } else if (outcome.passing()) {
        // Several tries fit into the half that is left; `start_extensions` sees when it is over.
        schedule_extension(key, *entry, now + part_of_visibility(8));
    } else if (entry->stage != Entry::Stage::settling) {
        lose(key, *entry, outcome.code);
    }
}

/// Told once. Its processor goes on: it cannot be stopped, and what it does may still count, as SQS
/// may yet take the delete.
void Consumer::lose(Key key, Entry& entry, std::string_view why) {
    if (entry.lost) return;
    entry.lost = true;
    const auto held_for = std::chrono::duration_cast<std::chrono::seconds>(
        loop_.clock().steady_now() - entry.received_at);
    logger_.warning(
        "SQS message '{}' is no longer hidden from others after {} s in hand ({}): it "
        "will be delivered again, and may be processed twice.",
        entry.message_id, held_for.count(), why);
    if (entry.stage == Entry::Stage::waiting || entry.stage == Entry::Stage::held) {
        // Nobody has begun with it: the queue's next delivery is the one to process.
        if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
        if (entry.stage == Entry::Stage::held) --held_;
        finish(key);
        return;
    }
    // FIFO: with the ones behind it still hidden the group would stand still.
    if (!entry.group.empty()) give_back_behind(order_.take_behind(entry.group, key));
}

}  // namespace rococo::messaging::sqs
