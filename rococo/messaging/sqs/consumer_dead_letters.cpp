// SPDX-License-Identifier: MIT
// Copies into the dead-letter queue. Where it takes none, messages are kept: they go back to their
// own queue for a while, and the dead-letter queue is tried less and less often.
#include <fmt/format.h>

#include <algorithm>

#include "consumer.hpp"

namespace rococo::messaging::sqs {
namespace {

/// A dead letter that its queue does not take waits that long before it is tried again.
constexpr std::chrono::seconds kAfterRefusedCopy{300};
/// Between tries of a dead-letter queue that takes nothing; the pause doubles.
constexpr std::chrono::seconds kFirstPause{2};
constexpr std::chrono::seconds kLongestPause{60};

}  // namespace

void Consumer::start_copies(SteadyTime now) {
    auto keys = copies_.take(now);
    std::erase_if(keys, [this](Key key) { return find(key) == nullptr; });
    const bool closed = now < gate_.closed_until;
    if (!closed && setup_.dead_letters) {
        // One batch finds out whether a queue that refused takes them again.
        if (gate_.pause > std::chrono::seconds(0)) gate_.closed_until = now + gate_.pause;
        send_copies(keys, now);
        return;
    }
    copies_.answered();
    if (!closed) {
        for (const Key key : keys) copies_.add(key, now);
        look_for_dead_letters();
        return;
    }
    for (const Key key : keys) copy_refused(key, *find(key), gate_.why);
}

void Consumer::send_copies(const std::vector<Key>& keys, SteadyTime now) {
    std::vector<Key> batch;
    std::vector<OutboundMessage> messages;
    std::size_t bytes = 0;
    for (const Key key : keys) {
        const Entry& entry = *find(key);
        auto message =
            encode_dead_letter(entry.delivery->message, entry.note, setup_.dead_letters->fifo());
        if (!batch.empty() && bytes + message.bytes() > kMaxMessageBytes) {
            copies_.add(key, now);
            continue;
        }
        bytes += message.bytes();
        batch.push_back(key);
        messages.push_back(std::move(message));
    }
    if (batch.empty()) {
        copies_.answered();
        return;
    }
    api_.send(*setup_.dead_letters, messages,
              [this, batch = std::move(batch)](const auto& result) { copied(batch, result); });
}

void Consumer::copied(const std::vector<Key>& batch,
                      const tl::expected<Outcomes, CallFailure>& result) {
    heard(result ? nullptr : &result.error());
    if (!result && !result.error().passing) {
        // Deleted while we run, perhaps made again elsewhere.
        if (result.error().code == "QueueDoesNotExist") setup_.dead_letters.reset();
        close_gate(result.error().error.message);
    } else if (result) {
        gate_ = {};
    }
    std::vector<Key> again;
    std::string why = result ? "" : result.error().error.message;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const Key key = batch[i];
        Entry* entry = find(key);
        if (entry == nullptr) continue;
        if (result && (*result)[i].done()) {
            entry->copied = true;
            entry->delivery.reset();
            let_go_of_body(*entry);
            // Should it come again although it was deleted, there is a copy of it already.
            if (entry->lost) remember_done(*entry);
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
    if (const auto more = rarely_.turn("dead letters")) {
        logger_.error(
            "SQS message '{}' could not be put into the dead-letter queue ({}): it stays in "
            "'{}' and is tried again in {} s.{}",
            entry.message_id, why, setup_.queue.name, kAfterRefusedCopy.count(), *more);
    }
    entry.verdict = Verdict::retry;
    entry.refused = true;
    entry.visibility = kAfterRefusedCopy;
    remember_attempts(entry, entry.note.attempts);
    entry.delivery.reset();
    let_go_of_body(entry);
    unschedule_extension(key, entry);
    if (!entry.group.empty()) give_back_behind(order_.gives_back(entry.group, key));
    if (!entry.extending) queue_for_lane(key, entry);
}

void Consumer::close_gate(std::string why) {
    gate_.why = std::move(why);
    gate_.pause = std::clamp(gate_.pause * 2, kFirstPause, kLongestPause);
    gate_.closed_until = loop_.clock().steady_now() + gate_.pause;
}

/// Whoever runs the queues may have made it by now, or allowed it.
void Consumer::look_for_dead_letters() {
    gate_.looking = true;
    api_.look_for(setup_.dead_letter_address, [this](const auto& found) {
        const bool absent = !found && found.error().code == "QueueDoesNotExist";
        if (!absent || !settings_.create_queue || !setup_.dead_letter_address.by_name()) {
            found_dead_letters(found, false);
            return;
        }
        const auto& name = setup_.dead_letter_address.name;
        api_.create(name, dead_letter_attributes(name),
                    [this](const auto& created) { found_dead_letters(created, true); });
    });
}

void Consumer::found_dead_letters(const tl::expected<Queue, CallFailure>& found, bool created) {
    if (!found) {
        close_gate(found.error().error.message);
        gate_.looking = false;
        return;
    }
    setup_.dead_letters = *found;
    gate_ = {};
    logger_.info("Dead letters go to '{}'{}.", found->name, created ? ", which was created" : "");
}

}  // namespace rococo::messaging::sqs
