// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "rococo/messaging/connection_states.hpp"
#include "rococo/messaging/dead_letter_store.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/message_name.hpp"
#include "rococo/messaging/message_sender.hpp"

/// The smallest queue that keeps the contract of `MessageAdapter`: an example to write one by.
namespace rococo::messaging::example {

/// What a server would be, queues in memory, and the sender too. Its users hold the mutex.
struct Broker final : MessageSender {
    struct Stored {
        OutgoingMessage content;
        DeadLetter history;  ///< Where it was sent to, attempts, errors: also before it is dead.
        SystemTime sent_at{};
        SteadyTime due{};          ///< Not to be handed out before.
        std::uint64_t holder = 0;  ///< The delivery that has it in hand, or zero.
        bool came_back = false;
    };
    using Queue = std::map<std::uint64_t, Stored>;  // In the order in which they came.

    std::mutex mutex{};
    std::map<std::string, Queue> queues{};
    std::uint64_t last_number = 0;  ///< Of messages and of deliveries.
    RealClock clock{};
    void put(const std::string& queue, Stored stored) {
        stored.history.id = std::to_string(++last_number);
        queues[queue].emplace(last_number, std::move(stored));
    }
    void add(const std::string& queue, const OutgoingMessage& content, SystemTime sent_at) {
        DeadLetter history{};
        history.message = message_name(content.id, content.body), history.original_queue = queue;
        history.content_type = content.content_type, history.headers = content.headers;
        history.body = content.body, history.body_bytes = content.body.size();
        put(queue, {.content = content, .history = history, .sent_at = sent_at});
    }
    using MessageSender::send;
    Result<void> send(std::string_view queue, std::span<const OutgoingMessage> messages) override {
        const std::lock_guard lock(mutex);
        for (const auto& message : messages) add(std::string(queue), message, clock.now());
        return {};
    }
};

struct ExampleDelivery final : Delivery {
    explicit ExampleDelivery(Broker::Stored from) : stored(std::move(from)) {
        const auto& content = stored.content;
        for (const auto& [name, value] : content.headers) views.push_back({name, value});
        body = content.body, id = content.id, headers = views, priority = content.priority;
        content_type = content.content_type, correlation_id = content.correlation_id;
        content_encoding = content.content_encoding, reply_to = content.reply_to;
        type = content.type, app_id = content.app_id, sent_at = stored.sent_at;
        queue = stored.history.original_queue, attempt = stored.history.attempts + 1;
        redelivered = stored.came_back;
    }
    const Broker::Stored stored;
    std::vector<HeaderView> views;
};

struct ExampleAdapter final : MessageAdapter {
    ExampleAdapter(Broker& broker, std::string queue) : broker_(broker), name_(std::move(queue)) {}
    ~ExampleAdapter() override { ExampleAdapter::close(); }
    Result<std::vector<std::string>> check() override {
        const std::lock_guard lock(broker_.mutex);
        if (broker_.queues.contains(name_)) return {};
        return std::vector{"queue '" + name_ + "' does not exist yet; the start makes it"};
    }
    Result<void> open() override {
        const std::lock_guard lock(broker_.mutex);
        broker_.queues[name_], receiving_ = true, states_.connected(broker_.clock.steady_now());
        return {};
    }
    void limit(const Limits& limits) override { limits_ = limits; }
    Result<void> receive(SteadyTime deadline, Events& out) override {
        for (const auto before = out.count();;) {
            report(out), hand_out(out), states_.tell(out);
            const bool over = broker_.clock.steady_now() >= deadline;
            if (out.count() != before || woken_.exchange(false) || over) return {};
            std::this_thread::sleep_for(std::chrono::milliseconds(2));  // A server would tell.
        }
    }
    Result<void> settle(Settlements settlements) override {
        for (auto& each : settlements)  // What is not in hand any more was lost, or is closed.
            if (in_hand_.contains(each.delivery->number)) verdicts_.push_back(std::move(each));
        return {};
    }
    std::size_t unsettled() const override { return verdicts_.size(); }
    void pause() override { states_.paused(broker_.clock.steady_now(), true); }
    void resume() override { states_.paused(broker_.clock.steady_now(), false); }
    void stop_receiving() override { receiving_ = false; }
    Result<bool> empty() override {
        const std::lock_guard lock(broker_.mutex);
        const auto mine = [&](auto& each) { return in_hand_.contains(each.second.holder); };
        return std::all_of(broker_.queues[name_].begin(), broker_.queues[name_].end(), mine);
    }
    void close() override {
        const std::lock_guard lock(broker_.mutex);
        for (auto& [key, stored] : broker_.queues[name_])
            if (in_hand_.contains(stored.holder)) stored.holder = 0, stored.came_back = true;
        in_hand_.clear(), verdicts_.clear(), receiving_ = false;
    }
    void wake() noexcept override { woken_ = true; }
    std::string endpoint() const override { return "memory:" + name_; }

private:
    /// What became of the deliveries in hand: first what the queue took back, then the verdicts.
    void report(Events& out) {
        const std::lock_guard lock(broker_.mutex);
        auto& queue = broker_.queues[name_];
        std::erase_if(in_hand_, [&](const auto& held) {
            const auto found = queue.find(held.second);
            const bool lost = found == queue.end() || found->second.holder != held.first;
            if (lost) out.lost.push_back({held.first});
            return lost;
        });
        for (const auto& settlement : std::exchange(verdicts_, {})) {
            const auto held = in_hand_.extract(settlement.delivery->number);
            if (held.empty()) continue;  // It was among those that are lost.
            carry_out(queue, held.mapped(), settlement);
            out.settled.push_back({held.key(), settlement.verdict});
        }
    }
    void carry_out(Broker::Queue& queue, std::uint64_t key, const Settlement& settlement) {
        const auto verdict = settlement.verdict;
        auto& [content, history, sent_at, due, holder, came_back] = queue.at(key);
        if (verdict == Verdict::retry || verdict == Verdict::dead_letter) {
            due = broker_.clock.steady_now() + settlement.delay;
            history.attempts = settlement.attempts, history.error = settlement.error;
            history.reason = settlement.reason, history.last_failed_at = broker_.clock.now();
        }
        holder = 0;
        if (verdict == Verdict::dead_letter) broker_.put(name_ + ".dead-letter", queue.at(key));
        if (verdict == Verdict::dead_letter || verdict == Verdict::ack) queue.erase(key);
    }
    void hand_out(Events& out) {
        const std::lock_guard lock(broker_.mutex);
        auto& queue = broker_.queues[name_];
        std::size_t bytes = 0;
        for (const auto& [number, key] : in_hand_) bytes += queue.at(key).content.body.size();
        for (auto& [key, stored] : queue) {
            const bool full = in_hand_.size() >= limits_.deliveries || bytes >= limits_.bytes;
            if (!receiving_ || states_.is_paused() || (full && !in_hand_.empty())) return;
            if (stored.holder != 0 || stored.due > broker_.clock.steady_now()) continue;
            auto& given = out.deliveries.emplace_back(std::make_unique<ExampleDelivery>(stored));
            in_hand_[given->number = stored.holder = ++broker_.last_number] = key;
            bytes += given->body.size();
        }
    }
    Broker& broker_;
    const std::string name_;
    Limits limits_;
    bool receiving_ = false;
    ConnectionStates states_;
    std::atomic<bool> woken_ = false;
    std::map<std::uint64_t, std::uint64_t> in_hand_;  // Delivery's number, message's key.
    Settlements verdicts_;                            // Handed over, and not carried out yet.
};

struct ExampleDeadLetters final : DeadLetterStore {
    ExampleDeadLetters(Broker& broker, const std::string& queue)
        : broker_(broker), name_(queue + ".dead-letter") {}
    Result<std::vector<DeadLetter>> list(std::size_t limit) override { return some({}, limit); }
    Result<std::vector<DeadLetter>> summaries(std::size_t limit) override {
        auto letters = some({}, limit);
        for (auto& letter : letters) letter.headers = {}, letter.properties = {}, letter.body = {};
        return letters;
    }
    Result<std::size_t> count() override { return some({}).size(); }
    Result<std::optional<DeadLetter>> find(std::string_view id) override {
        const auto found = some(std::vector{std::string(id)});
        return found.empty() ? std::nullopt : std::optional(found.front());
    }
    using Ids = std::span<const std::string>;
    Result<std::size_t> requeue(Ids ids) override { return some(ids, ~0U, true, true).size(); }
    Result<std::size_t> remove(Ids ids) override { return some(ids, ~0U, true).size(); }
    Result<std::string> edit_and_requeue(std::string_view id, std::string_view body) override {
        const std::lock_guard lock(broker_.mutex);
        auto& letters = broker_.queues[name_];
        const auto found = std::find_if(letters.begin(), letters.end(), [&](const auto& each) {
            return each.second.history.id == id || each.second.history.message == id;
        });
        if (found == letters.end())
            return failure(ErrorKind::usage, "there is no letter '" + std::string(id) + "'");
        auto edited = found->second.content;
        edited.body = body, edited.id = "edited-" + std::to_string(++broker_.last_number);
        const auto& old = found->second.history;
        broker_.add(old.original_queue, edited, broker_.clock.now());
        auto& added = broker_.queues[old.original_queue].at(broker_.last_number);
        added.history.properties.emplace_back("edited_from", old.id);
        letters.erase(found);
        return edited.id;
    }

    std::vector<DeadLetter> some(Ids ids, std::size_t limit = ~0U, bool remove = false,
                                 bool requeue = false) {
        const std::lock_guard lock(broker_.mutex);
        std::vector<DeadLetter> letters;
        std::erase_if(broker_.queues[name_], [&](const auto& each) {
            const auto& letter = each.second.history;
            const auto named = [&](auto& id) { return id == letter.id || id == letter.message; };
            const bool meant = ids.empty() || std::any_of(ids.begin(), ids.end(), named);
            if (!meant || letters.size() == limit) return false;
            const auto& stored = each.second;
            if (requeue) broker_.add(letter.original_queue, stored.content, stored.sent_at);
            letters.push_back(letter);
            return remove;
        });
        return letters;
    }
    Broker& broker_;
    const std::string name_;
};

}  // namespace rococo::messaging::example
