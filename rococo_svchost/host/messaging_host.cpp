// SPDX-License-Identifier: MIT
#include "messaging_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "messaging_settings.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/configuration/duration.hpp"

namespace rococo::svchost {

MessagingHost::MessagingHost(const HostContext& context, const std::string& queue,
                             const std::string& endpoint, std::size_t workers, Parts parts)
    : RunningHost(context, host_identity(context, queue, endpoint, workers), queue, parts.wake),
      queue_(queue),
      workers_(workers),
      parts_(std::move(parts)) {}

void MessagingHost::watch_queue() {
    const auto interval = depth_interval(context().configuration);
    if (interval.count() == 0) return;
    watching_ = std::make_unique<QueueWatch>(context().queue_kind, queue_, interval,
                                             context().clock, context().logger);
    watch_ = watching_.get();
}

std::optional<QueueDepth> MessagingHost::depth() const {
    const QueueWatch* const watch = watch_;
    return watch == nullptr ? std::nullopt : watch->depth();
}

HostFacts MessagingHost::facts() const {
    MessageRecorder::Seen seen = parts_.recorder.seen();
    HostFacts facts = common_facts(seen.draining, seen.last_turn, "The dispatcher");
    const auto calls = parts_.calls();
    facts.connection = std::move(seen.connection);
    facts.depth = depth();
    facts.messages = std::move(seen.messages);
    facts.sends = parts_.sender.counts();
    for (const Workers::Running& call : calls) facts.in_hand.processing += call.messages;
    facts.in_hand.waiting =
        seen.in_hand.jobs - std::min(seen.in_hand.jobs, facts.in_hand.processing);
    facts.in_hand.settling = seen.in_hand.unsettled;
    facts.in_hand.busy_workers = calls.size();
    facts.in_hand.prefetch = seen.in_hand.prefetch;
    if (!calls.empty())
        facts.in_hand.oldest = std::chrono::duration_cast<Microseconds>(calls.front().running_for);
    judge_readiness(facts);
    judge_liveness(facts, calls);
    return facts;
}

// Paused is ready: it is what the operator wants, and a rollout must not wait for the end of it.
void MessagingHost::judge_readiness(HostFacts& facts) const {
    const bool there = facts.connection && (facts.connection->state == "consuming" ||
                                            facts.connection->state == "paused" ||
                                            facts.connection->state == "blocked");
    facts.ready = there && facts.phase == HostPhase::running;
    if (there || facts.phase == HostPhase::draining) return;
    const std::string state = facts.connection ? facts.connection->state : "connecting";
    const std::string reason = facts.connection ? facts.connection->reason : "";
    facts.remarks.push_back(fmt::format("Queue {}: {}{}{}.", queue_,
                                        state == "lost" ? "the connection is lost" : "connecting",
                                        reason.empty() ? "" : ": ", reason));
}

// Never the broker's fault, and never for want of messages: a restart would mend neither.
void MessagingHost::judge_liveness(HostFacts& facts,
                                   const std::vector<Workers::Running>& calls) const {
    if (deaf_) {
        facts.live = false;
        facts.remarks.emplace_back(
            "Messages are ready in the queue and none comes, though the host has subscribed anew "
            "twice.");
    }
    const auto limit = context().configuration.duration("LIVENESS_PROCESS_LIMIT");
    if (limit.count() == 0 || calls.size() < workers_) return;
    if (!std::ranges::all_of(calls, [&](const auto& call) { return call.running_for > limit; }))
        return;
    facts.live = false;
    facts.remarks.push_back(
        fmt::format("Each of the {} workers has been at one call for longer than "
                    "LIVENESS_PROCESS_LIMIT={}.",
                    workers_, duration_setting(limit)));
}

Capabilities MessagingHost::capabilities() const {
    const bool lists = context().configuration.text("MESSAGING_TYPE") == "SqliteConnection";
    return {
        .pause = true, .run_now = false, .list_retries = lists, .dead_letters = true, .edit = true};
}

std::vector<InHandMessage> MessagingHost::in_hand() const {
    const auto limit = context().configuration.duration("PROCESS_TIMEOUT");
    std::vector<InHandMessage> messages;
    for (Workers::Running& call : parts_.calls())
        messages.push_back(
            {.worker = call.worker,
             .message = std::move(call.message),
             .messages = call.messages,
             .running_for = std::chrono::duration_cast<Microseconds>(call.running_for),
             .overdue = limit.count() > 0 && call.running_for > limit});
    return messages;
}

void MessagingHost::log_in_hand() const {
    const HostFacts facts = this->facts();
    context().logger.info("In hand: {} waiting, {} processing, {} settling", facts.in_hand.waiting,
                          facts.in_hand.processing, facts.in_hand.settling);
    for (const InHandMessage& one : in_hand())
        context().logger.info("Worker {} has {}{} for {}{}", one.worker, one.message,
                              one.messages > 1 ? fmt::format(" and {} more", one.messages - 1) : "",
                              format_duration(one.running_for),
                              one.overdue ? ", past PROCESS_TIMEOUT" : "");
}

Result<void> MessagingHost::run_now(const std::string& /*by*/) {
    return failure(ErrorKind::usage, "this service works on a queue, not on a schedule");
}

// Where they cannot be listed there are none to show; `capabilities` says so.
Result<std::vector<messaging::WaitingRetry>> MessagingHost::retries(std::size_t limit) {
    ROCOCO_ASSIGN_OR_RETURN(auto listed, context().queue_kind.retries(queue_, limit));
    return std::move(listed).value_or(std::vector<messaging::WaitingRetry>());
}

Result<std::unique_ptr<messaging::DeadLetterStore>> MessagingHost::dead_letters() {
    return context().queue_kind.dead_letters(queue_);
}

}  // namespace rococo::svchost
