// SPDX-License-Identifier: MIT
// Carrying out verdicts: deletes, visibility changes, dead letters; in batches, until they are
// safe.
#include <fmt/format.h>

#include <algorithm>

#include "consumer.hpp"

namespace rococo::messaging::sqs {
namespace {

constexpr std::chrono::seconds kLongestDelay{12 * 3600};
/// A dead letter that its queue does not take waits that long before it is tried again.
constexpr std::chrono::seconds kAfterRefusedCopy{300};

bool goes_back(const Entry& entry) {
    return entry.verdict == Verdict::retry || entry.verdict == Verdict::release;
}

}  // namespace

void Consumer::settle(Settlement settlement) {
    auto* delivery = dynamic_cast<SqsDelivery*>(settlement.delivery.get());
    if (delivery == nullptr) return;
    const Key key = delivery->key;
    Entry* entry = find(key);
    // Of an earlier connection: the queue brings it again.
    if (entry == nullptr || entry->stage != Entry::Stage::handed_out) return;
    if (settlement.verdict == Verdict::retry) {
        // Less the time that it has been hidden already: SQS counts the 12 hours from the receipt.
        const auto held = loop_.clock().steady_now() - entry->received_at;
        const auto most = std::max<std::chrono::seconds>(
            std::chrono::floor<std::chrono::seconds>(kLongestDelay - held),
            std::chrono::seconds(0));
        entry->visibility = std::clamp<std::chrono::seconds>(
            std::chrono::ceil<std::chrono::seconds>(settlement.delay), std::chrono::seconds(0),
            most);
        remember_attempts(*entry, settlement.attempts);
    } else if (settlement.verdict == Verdict::release) {
        entry->visibility = std::chrono::seconds(0);
        remember_attempts(*entry, entry->attempt - 1);
    } else if (settlement.verdict == Verdict::dead_letter) {
        const auto first = delivery->message.first_received_at;
        const auto now = loop_.clock().now();
        entry->note = {std::string(delivery->id),
                       setup_.queue.name,
                       settlement.reason,
                       settlement.error,
                       settlement.attempts,
                       first == SystemTime() ? now : first,
                       now,
                       entry->group};
        entry->delivery.reset(static_cast<SqsDelivery*>(settlement.delivery.release()));
    }
    begin_settling(key, *entry, settlement.verdict);
}

void Consumer::begin_settling(Key key, Entry& entry, Verdict verdict) {
    if (entry.stage == Entry::Stage::held) --held_;
    entry.stage = Entry::Stage::settling;
    entry.verdict = verdict;
    ++settling_;
    if (goes_back(entry)) {
        unschedule_extension(key, entry);
        if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
    }
    // An extension under way could undo the change if it arrives after it.
    if (!goes_back(entry) || !entry.extending) queue_for_lane(key, entry);
}

void Consumer::give_back(Key key, Entry& entry) {
    if (entry.stage == Entry::Stage::settling) return;
    entry.visibility = std::chrono::seconds(0);
    remember_attempts(entry, entry.attempt - 1);
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
    } else if (goes_back(entry)) {
        changes_.add(key, now);
    } else {
        deletes_.add(key, now);
    }
}

SteadyTime Consumer::start_settlements(SteadyTime now) {
    // Nobody will add to the batch, or somebody waits for its answer: do not linger.
    const bool urgent = stopping_ || held_ > 0;
    while (deletes_.due(urgent) <= now) start_deletes(now);
    while (changes_.due(urgent) <= now) start_changes(now);
    while (copies_.due(true) <= now) start_copies(now);
    return std::min({deletes_.due(urgent), changes_.due(urgent), copies_.due(true)});
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
        const auto group = entry->group;
        if ((*result)[i].done()) {
            uncharged_.erase(entry->message_id);
            const auto next = group.empty() ? std::nullopt : order_.settled(group, key);
            finish(key);
            if (Entry* turn = next ? find(*next) : nullptr;
                turn != nullptr && turn->stage == Entry::Stage::held) {
                turn->stage = Entry::Stage::waiting;
                --held_;
                ready_.push_back(*next);
            }
            continue;
        }
        logger_.warning(
            "SQS message '{}' was processed, but its receipt handle is no longer good "
            "({}): SQS will deliver it again.",
            entry->message_id, (*result)[i].code);
        if (!group.empty()) give_back_behind(order_.gives_back(group, key));
        finish(key);
    }
    const bool fatal = !result && call_is_fatal(result.error());
    if (!fatal) lane_answered(deletes_, again, "Deleting", why);
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
            finish(key);
            continue;
        }
        if (result) why = fmt::format("{} {}", (*result)[i].code, (*result)[i].message);
        again.push_back(key);
    }
    const bool fatal = !result && call_is_fatal(result.error());
    if (!fatal) lane_answered(changes_, again, "Giving back", why);
}

void Consumer::start_copies(SteadyTime now) {
    std::vector<Key> batch;
    std::vector<Key> later;
    std::vector<OutboundMessage> messages;
    std::size_t bytes = 0;
    for (const Key key : copies_.take(now)) {
        Entry* entry = find(key);
        if (entry == nullptr) continue;
        if (!setup_.dead_letters) {
            copy_refused(key, *entry, "there is no dead-letter queue");
            continue;
        }
        auto message =
            encode_dead_letter(entry->delivery->message, entry->note, setup_.dead_letters->fifo());
        if (!batch.empty() && bytes + message.bytes() > kMaxMessageBytes) {
            later.push_back(key);
            continue;
        }
        bytes += message.bytes();
        batch.push_back(key);
        messages.push_back(std::move(message));
    }
    for (const Key key : later) copies_.add(key, now);
    if (batch.empty()) {
        copies_.answered();
        return;
    }
    api_.send(*setup_.dead_letters, messages,
              [this, batch = std::move(batch)](const auto& result) { copied(batch, result); });
}

void Consumer::copied(const std::vector<Key>& batch,
                      const tl::expected<Outcomes, CallFailure>& result) {
    std::vector<Key> again;
    std::string why = result ? "" : result.error().error.message;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Key key = batch[i];
        Entry* entry = find(key);
        if (entry == nullptr) continue;
        if (result && (*result)[i].done()) {
            entry->copied = true;
            queue_for_lane(key, *entry);
        } else if (result ? (*result)[i].passing() : result.error().passing) {
            if (result) why = fmt::format("{} {}", (*result)[i].code, (*result)[i].message);
            again.push_back(key);
        } else {
            copy_refused(key, *entry,
                         result ? fmt::format("{}: {}", (*result)[i].code, (*result)[i].message)
                                : result.error().error.message);
        }
    }
    lane_answered(copies_, again, "Sending dead letters", why);
}

/// The message stays where it is and comes again: a dead-letter queue that cannot be used costs
/// work, never a message.
void Consumer::copy_refused(Key key, Entry& entry, std::string_view why) {
    logger_.error(
        "SQS message '{}' could not be put into the dead-letter queue ({}): it stays in "
        "'{}' and is tried again in {} s.",
        entry.message_id, why, setup_.queue.name, kAfterRefusedCopy.count());
    entry.verdict = Verdict::retry;
    entry.visibility = kAfterRefusedCopy;
    remember_attempts(entry, entry.note.attempts);
    unschedule_extension(key, entry);
    if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
    if (!entry.extending) queue_for_lane(key, entry);
}

void Consumer::lane_answered(Lane& lane, const std::vector<Key>& again, std::string_view what,
                             std::string_view why) {
    lane.answered();
    if (again.empty()) {
        lane.succeeded();
        return;
    }
    if (lane.failures() == 0) {
        logger_.warning("{} {} messages fails, trying again: {}", what, again.size(), why);
    }
    lane.put_back(again, loop_.clock().steady_now(), random_);
}

/// Whether the failure ends the host; told by the next `receive`.
bool Consumer::call_is_fatal(const CallFailure& failure) {
    if (failure.passing) return false;
    if (!fatal_) fatal_ = failure.error;
    return true;
}

void Consumer::finish(Key key) {
    auto node = entries_.extract(key);
    if (!node) return;
    Entry& entry = node.mapped();
    unschedule_extension(key, entry);
    if (entry.stage == Entry::Stage::settling) --settling_;
    const auto known = by_message_id_.find(entry.message_id);
    if (known != by_message_id_.end() && known->second == key) by_message_id_.erase(known);
}

}  // namespace rococo::messaging::sqs
