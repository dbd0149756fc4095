// SPDX-License-Identifier: MIT
#include "child_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "rococo/base/duration_text.hpp"
#include "rococo/base/text.hpp"

namespace rococo::svchost::child {

namespace {

using Json = nlohmann::json;

// Who dies closes all that it has a moment before it counts as dead.
constexpr std::chrono::seconds kDeath{1};

Outcome outcome_of(const Json& meta) {
    const std::string kind = meta.value("outcome", "failed");
    Outcome outcome;
    outcome.kind = kind == "retry_after" ? Outcome::Kind::retry_after
                   : kind == "permanent" ? Outcome::Kind::permanent
                                         : Outcome::Kind::failed;
    outcome.delay = std::chrono::microseconds(
        std::clamp<std::int64_t>(meta.value("delay_us", std::int64_t{0}), 0,
                                 std::chrono::microseconds(std::chrono::years(100)).count()));
    outcome.error = meta.value("error", "");
    return outcome;
}

}  // namespace

ChildCall::ChildCall(ChildPeer& peer, ChildWindow& window,
                     std::chrono::microseconds process_timeout, const Clock& clock,
                     CallProgress* progress)
    : peer_(peer),
      window_(window),
      process_timeout_(process_timeout),
      clock_(clock),
      progress_(progress) {}

bool ChildCall::look(bool cancelled) {
    const bool good = listen();
    if (!window_.is_over()) {
        if (!good) peer_.kill();
        if (const auto how = peer_.end()) bury(*how);
    }
    if (window_.is_over()) {
        // What has ended is handed over by returning, and so costs the board's lock once.
        give_back();
        return true;
    }
    const SteadyTime now = clock_.steady_now();
    tell(now);
    if (cancelled || window_.is_nearly_overdue(now)) peer_.set_cancelled(true);
    act(now);
    return false;
}

void ChildCall::blame(std::string cause) {
    if (cause_.empty()) cause_ = std::move(cause);
}

bool ChildCall::listen() {
    // In this order: a failure is said before its message counts as done.
    const ChildProgress progress = peer_.progress();
    const bool open = peer_.read();
    if (!take_all()) return false;
    if (window_.is_over()) return true;
    if (!window_.observe(progress, clock_.steady_now())) {
        blame("its page says what cannot be");
        return false;
    }
    if (open || peer_.end_within(kDeath)) return true;
    blame("it closed its connection");
    return false;
}

bool ChildCall::take_all() {
    while (true) {
        const auto frame = peer_.next();
        if (!frame) {
            blame(frame.error().message);
            return false;
        }
        if (!*frame) return true;
        if (!take(**frame)) {
            blame(fmt::format("it sent a frame of kind {} for message {} out of turn",
                              (*frame)->kind, (*frame)->seq));
            return false;
        }
    }
}

bool ChildCall::take(const Frame& frame) {
    switch (static_cast<Report>(frame.kind)) {
        case Report::done:
            return window_.done(frame.seq, peer_.progress());
        case Report::failed:
            return failed(frame);
        case Report::returned:
            return window_.returned(frame.seq);
        default:
            return (frame.kind & kMayBeIgnored) != 0;
    }
}

bool ChildCall::failed(const Frame& frame) {
    const Json meta = Json::parse(frame.meta, nullptr, /*allow_exceptions=*/false);
    if (!meta.is_object()) return false;
    peer_.pass_on_output();
    try {
        const Outcome outcome = outcome_of(meta);
        if (!window_.failed(frame.seq, meta.value("count", std::size_t{1}), outcome)) return false;
        // Where it was raised on purpose, nobody looks for the place.
        if (const auto traceback = meta.value("traceback", "");
            outcome.kind == Outcome::Kind::failed && !traceback.empty()) {
            peer_.pass_on_traceback(trim(traceback));
        }
        return true;
    } catch (const Json::exception&) {
        return false;
    }
}

void ChildCall::act(SteadyTime now) {
    switch (window_.next(now)) {
        case ChildWindow::Step::wait:
            return;
        case ChildWindow::Step::retract:
            peer_.retract(peer_.progress().begun, window_.last());
            return window_.retracting(now);
        case ChildWindow::Step::end_retraction:
            if (!window_.retracted(peer_.progress())) blame("its page says what cannot be");
            return;
        case ChildWindow::Step::ask_for_stack:
            peer_.ask_for_stack();
            return window_.asked_for_stack(now);
        case ChildWindow::Step::kill:
            blame(fmt::format("timed out after {}", format_duration(process_timeout_)));
            return peer_.kill();
    }
}

void ChildCall::tell(SteadyTime now) {
    give_back();
    const std::size_t ended = window_.take_ended(now);
    if (ended > 0 && progress_ != nullptr) progress_->ended(ended);
}

void ChildCall::give_back() {
    const std::size_t not_begun = window_.take_not_begun();
    if (not_begun == 0 || progress_ == nullptr) return;
    peer_.keep_unsent();
    progress_->not_begun(not_begun);
}

// The process has ended. What it said and what its page says is still there.
void ChildCall::bury(const std::string& how) {
    (void)listen();
    peer_.pass_on_output();
    const std::string error = !cause_.empty()                ? cause_
                              : how.starts_with("exit code") ? "ended its process: " + how
                                                             : "crashed: " + how;
    window_.died(peer_.progress(), error);
    death_ = cause_.empty() ? "ended: " + how : "was ended: " + cause_;
}

}  // namespace rococo::svchost::child
