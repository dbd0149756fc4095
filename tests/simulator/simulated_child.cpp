// SPDX-License-Identifier: MIT
#include "simulated_child.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::ChildProgress;
using svchost::Outcome;
using svchost::child::Frame;
using svchost::child::Report;
using Fate = ChildItem::Fate;

namespace {

// How long a store may stay unseen: two of them less than the host waits in a retraction.
constexpr Duration kUnseen = 400us;
// How long a look of the host's takes.
constexpr Duration kLook = 40us;
// What a child that was asked for its stack gets, and how late the host may be.
constexpr Duration kKilled = 1s;
// A kind of frame that nobody knows and nobody minds.
constexpr auto kOfTheFuture = static_cast<Report>(0x85);

}  // namespace

// What the host reads first in a look is the older, and nothing is read backwards.
SteadyTime SimulatedChild::moment_of_look() {
    const SteadyTime now = parts_.timeline.steady_now();
    if (look_ != now) {
        look_ = now;
        moment_ = std::max(moment_, now - kLook);
    }
    moment_ += (now - moment_) / 2;
    return moment_;
}

void SimulatedChild::later(Duration delay, void (SimulatedChild::*action)()) {
    parts_.timeline.after(delay, [this, action, run = run_, alive = std::weak_ptr(alive_)] {
        if (!alive.expired() && run == run_) (this->*action)();
    });
}

// The page.

void SimulatedChild::store(const ChildProgress& progress) {
    const SteadyTime now = parts_.timeline.steady_now();
    const Duration unseen =
        parts_.random.per_mille(100) ? parts_.random.between(0us, kUnseen) : Duration{};
    const SteadyTime before = stores_.empty() ? now : stores_.back().seen_at;
    stores_.push_back({std::max<SteadyTime>(before, now + unseen), progress});
    latest_ = progress;
}

ChildProgress SimulatedChild::progress() {
    const SteadyTime moment = moment_of_look();
    for (; !stores_.empty() && stores_.front().seen_at <= moment; stores_.pop_front())
        seen_ = stores_.front().value;
    return seen_;
}

void SimulatedChild::retract(std::uint64_t above, std::uint64_t up_to) {
    const Duration unseen =
        parts_.random.per_mille(500) ? parts_.random.between(0us, kUnseen) : Duration{};
    retractions_.push_back({parts_.timeline.steady_now() + unseen, {above, up_to}});
    parts_.books.tell([&] {
        return fmt::format("{}: its messages from {} to {} are retracted", parts_.name, above + 1,
                           up_to);
    });
}

SimulatedChild::Words SimulatedChild::words() {
    const SteadyTime now = parts_.timeline.steady_now();
    for (; !retractions_.empty() && retractions_.front().seen_at <= now; retractions_.pop_front())
        words_ = retractions_.front().value;
    return words_;
}

void SimulatedChild::set_cancelled(bool cancelled) {
    // One that listens ends soon.
    if (cancelled && !cancelled_ && running_ && hangs_ &&
        !parts_.scenario.messages[current().front().message].deaf)
        later(1ms, &SimulatedChild::finish);
    cancelled_ = cancelled;
}

// The connection.

// Whoever reads it sees what was stored before it was sent.
void SimulatedChild::say(Report kind, std::uint64_t seq, std::string meta) {
    const SteadyTime now = parts_.timeline.steady_now();
    for (auto& store : stores_) store.seen_at = std::min(store.seen_at, now);
    said_.push_back(
        {.at = now, .kind = static_cast<std::uint8_t>(kind), .seq = seq, .meta = std::move(meta)});
    parts_.heard();
}

bool SimulatedChild::read() {
    const SteadyTime moment = moment_of_look();
    return !closed_at_ || *closed_at_ > moment;
}

Result<std::optional<Frame>> SimulatedChild::next() {
    // What `read` has read, and no more.
    if (said_.empty() || said_.front().at > moment_) return std::nullopt;
    if (said_.front().garbage) return failure(ErrorKind::service, "it sent what is no frame");
    read_ = std::move(said_.front());
    said_.pop_front();
    return Frame{.kind = read_.kind, .seq = read_.seq, .meta = read_.meta, .payload = {}};
}

// The process.

void SimulatedChild::kill() {
    if (end_ || std::exchange(killed_, true)) return;
    const SteadyTime now = parts_.timeline.steady_now();
    const Duration timeout = parts_.scenario.workers.process_timeout;
    const bool overdue = running_ && timeout.count() > 0 && now - started_ >= timeout;
    if (!gone_since_ && !overdue)
        parts_.books.finding(parts_.name + " is killed, and did nothing wrong");
    if (!gone_since_ && overdue && !stack_asked_)
        parts_.books.finding(parts_.name + " is killed without being asked where it is");
    if (!gone_since_ && overdue && !cancelled_)
        parts_.books.finding(parts_.name + " is killed without being told of the end of its time");
    parts_.timeline.after(parts_.random.between(1us, 50us), [this, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) die("SIGKILL");
    });
}

void SimulatedChild::ask_for_stack() {
    stack_asked_ = true;
    if (running_ &&
        parts_.timeline.steady_now() - started_ < parts_.scenario.workers.process_timeout)
        parts_.books.finding(parts_.name + " is asked where it is before its time is up");
}

void SimulatedChild::die(std::string how) {
    if (end_) return;
    parts_.books.tell([&] { return fmt::format("{} ends: {}", parts_.name, how); });
    const SteadyTime now = parts_.timeline.steady_now();
    die_with_host();
    end_ = std::move(how);
    ended_at_ = now + parts_.random.between(0us, 20us);
    if (!gone_since_) gone_since_ = now;
    // A process that it started may hold the connection.
    if (!closed_at_ && !parts_.random.per_mille(300)) closed_at_ = now;
    parts_.heard();
}

void SimulatedChild::die_with_host() {
    const SteadyTime now = parts_.timeline.steady_now();
    for (auto& store : stores_) store.seen_at = std::min(store.seen_at, now);
    alive_.reset();
    running_ = false;
}

std::optional<std::string> SimulatedChild::end() {
    if (!end_ || ended_at_ > moment_of_look()) return std::nullopt;
    end_read_ = true;
    return end_;
}

// As if it had waited: whoever is about to end has ended by then.
std::optional<std::string> SimulatedChild::end_within(std::chrono::milliseconds /*time*/) {
    return end_;
}

// What it does, as worker.py.

void SimulatedChild::give(std::shared_ptr<ChildItems> window) {
    first_ = window->front().seq;
    words_ = {};
    retractions_.clear();
    cancelled_ = stack_asked_ = false;
    inbox_.push_back(std::move(window));
    if (std::exchange(idle_, false))
        later(parts_.random.between(1us, 40us), &SimulatedChild::go_on);
}

std::span<ChildItem> SimulatedChild::current() {
    ChildItems& items = *inbox_.front();
    return std::span(items).subspan(at_, parts_.batches ? items.size() : 1);
}

void SimulatedChild::go_on() {
    while (!inbox_.empty()) {
        const ChildItems& items = *inbox_.front();
        if (at_ == items.size()) {
            end_window();
        } else if (items[at_].seq <= skip_to_) {
            ++at_;
        } else {
            return claim();
        }
    }
    idle_ = true;
}

void SimulatedChild::claim() {
    ++run_;
    for (ChildItem& item : current()) item.fate = Fate::claimed;
    started_ = parts_.timeline.steady_now();
    store({.begun = current().back().seq, .done = latest_.done});
    // It may lose the processor before it looks.
    if (parts_.random.per_mille(30))
        return later(parts_.random.between(1us, 8ms), &SimulatedChild::check_retraction);
    check_retraction();
}

void SimulatedChild::check_retraction() {
    const Words seen = words();
    const std::uint64_t seq = current().back().seq;
    if (seq <= seen.retract_above || seq > seen.retract_up_to) return run();
    skip_to_ = seen.retract_up_to;
    for (ChildItem& item : current()) {
        item.fate = Fate::returned;
        say(Report::returned, item.seq);
    }
    at_ += current().size();
    // Not by itself, which might go on for ever deeper.
    later(0us, &SimulatedChild::go_on);
}

bool SimulatedChild::is_bad(const ChildItem& item) const {
    return parts_.books.of(item.message).begun <=
           parts_.scenario.messages[item.message].bad_attempts;
}

// When the call ends, and how.
void SimulatedChild::run() {
    running_ = true;
    hangs_ = false;
    Duration end{};
    for (ChildItem& item : current()) {
        item.fate = Fate::begun;
        parts_.begun(item);
        if (item.given_back)
            parts_.books.finding(
                fmt::format("{} begins m{}, which was given back", parts_.name, item.message));
    }
    for (ChildItem& item : current()) {
        const Message& message = parts_.scenario.messages[item.message];
        const bool bad = is_bad(item);
        const bool is_hang = message.behaviour == Behaviour::hang;
        end += is_hang && !bad ? Duration{1ms} : message.duration;
        hangs_ = hangs_ || (bad && is_hang);
        if (!bad) continue;
        liar_ = static_cast<std::size_t>(&item - current().data());
        if (message.behaviour == Behaviour::crash) return later(end, &SimulatedChild::crash);
        if (message.behaviour == Behaviour::leave) return later(end, &SimulatedChild::leave);
        if (message.behaviour == Behaviour::lie) return later(end, &SimulatedChild::lie);
    }
    later(end, &SimulatedChild::finish);
}

void SimulatedChild::finish() {
    if (!std::exchange(running_, false)) return;
    check_time();
    for (ChildItem& item : current()) report(item);
    const std::uint64_t last = current().back().seq;
    store({.begun = last, .done = last});
    at_ += current().size();
    ++run_;
    // It may lose the processor before it begins the next.
    if (parts_.random.per_mille(30))
        return later(parts_.random.between(1us, 2ms), &SimulatedChild::go_on);
    go_on();
}

void SimulatedChild::report(ChildItem& item) {
    Books::Entry& entry = parts_.books.of(item.message);
    const Behaviour behaviour = parts_.scenario.messages[item.message].behaviour;
    if (!is_bad(item) || (behaviour == Behaviour::hang && !cancelled_)) {
        ++entry.succeeded;
        item.fate = Fate::succeeded;
        return;
    }
    ++entry.failed;
    item.fate = Fate::failed;
    if (behaviour == Behaviour::permanent) {
        ++entry.permanent;
        item.said = Outcome::Kind::permanent;
        return say(Report::failed, item.seq, R"({"outcome":"permanent","error":"for good"})");
    }
    if (behaviour == Behaviour::retry_after) {
        item.said = Outcome::Kind::retry_after;
        return say(Report::failed, item.seq,
                   fmt::format(R"({{"outcome":"retry_after","delay_us":{},"error":"{}"}})",
                               kRetryAfter.count(), kLater));
    }
    item.said = Outcome::Kind::failed;
    say(Report::failed, item.seq, R"({"outcome":"failed","error":"failed"})");
}

void SimulatedChild::end_window() {
    const std::uint64_t last = inbox_.front()->back().seq;
    if (last <= skip_to_) store({.begun = last, .done = last});
    if (parts_.random.per_mille(50)) say(kOfTheFuture, last);
    say(Report::done, last);
    inbox_.pop_front();
    at_ = 0;
}

/// SystemExit out of `process`: all of the call has failed, and the process ends.
void SimulatedChild::leave() {
    const auto items = current();
    for (ChildItem& item : items) {
        ++parts_.books.of(item.message).failed;
        item.fate = Fate::failed;
        item.said = Outcome::Kind::failed;
    }
    say(Report::failed, items.back().seq,
        fmt::format(R"({{"outcome":"left","count":{},"error":"left by SystemExit"}})",
                    items.size()));
    store({.begun = items.back().seq, .done = items.back().seq});
    die("exit code 70");
}

/// Each of them can be told from the truth; then it hangs.
void SimulatedChild::lie() {
    parts_.books.tell([&] { return parts_.name + " lies"; });
    gone_since_ = parts_.timeline.steady_now();
    const std::uint64_t last = inbox_.front()->back().seq;
    switch (const auto kind = parts_.random.between(0, 9)) {
        case 0:
            return say(Report::failed, last + 1, R"({"error":"of nothing"})");
        case 1:
            return say(Report::returned, last + 1);
        case 2:
            return say(Report::done, last);
        case 3:
            return say(static_cast<Report>(9), last);
        case 4:
            said_.push_back({.at = *gone_since_, .meta = {}, .garbage = true});
            return parts_.heard();
        case 5:
            closed_at_ = gone_since_;
            return parts_.heard();
        default:
            return lie_in_the_page(kind);
    }
}

void SimulatedChild::lie_in_the_page(std::uint64_t kind) {
    falsified_page_ = true;
    const std::uint64_t last = inbox_.front()->back().seq;
    const std::uint64_t seq = current()[liar_].seq;
    if (kind == 6) return store({.begun = seq, .done = seq + 1});
    if (kind == 7) return store({.begun = last + 1, .done = latest_.done});
    if (kind == 8 && first_ > 1) return store({.begun = 0, .done = 0});
    store({.begun = seq, .done = last + 1});
    say(Report::done, last);
}

void SimulatedChild::check_time() const {
    const Duration timeout = parts_.scenario.workers.process_timeout;
    const SteadyTime since = std::max(started_, parts_.host_frozen_until());
    if (hangs_ && timeout.count() > 0 && parts_.timeline.steady_now() - since > timeout + kKilled)
        parts_.books.finding(parts_.name + " outlived PROCESS_TIMEOUT");
}

}  // namespace rococo::simulator
