// SPDX-License-Identifier: MIT
#include "simulated_child_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rococo::simulator {

using namespace std::chrono_literals;
using svchost::Outcome;
using Fate = ChildItem::Fate;

namespace {

// How long the host may hold what a slow window has not begun, with all that may come between.
constexpr Duration kHeldBack = 100ms;
// How long it may take to see that a child is dead, or lies.
constexpr Duration kSeen = 500ms;

}  // namespace

SimulatedChildProcessor::SimulatedChildProcessor(const Scenario& scenario, Timeline& timeline,
                                                 Random& random, Books& books, Worker worker)
    : scenario_(scenario),
      timeline_(timeline),
      random_(random),
      books_(books),
      worker_(std::move(worker)),
      child_(start()) {}

std::unique_ptr<SimulatedChild> SimulatedChildProcessor::start() {
    return std::make_unique<SimulatedChild>(SimulatedChild::Parts{
        .name = worker_.name + "'s child",
        .scenario = scenario_,
        .timeline = timeline_,
        .random = random_,
        .books = books_,
        .batches = scenario_.child_batches,
        .begun =
            [this](const ChildItem& item) {
                ++books_.of(item.message).begun;
                worker_.begun(item.delivery, item.message);
                books_.tell([&] {
                    return fmt::format("{}'s child begins m{}", worker_.name, item.message);
                });
            },
        .heard =
            [this] {
                if (call_) plan_look(timeline_.steady_now() + random_.between(1us, 60us));
            },
        .host_frozen_until = worker_.frozen_until});
}

void SimulatedChildProcessor::process(std::span<const svchost::Job> jobs,
                                      std::span<Outcome> outcomes) {
    items_ = std::make_shared<ChildItems>();
    for (const svchost::Job& job : jobs) {
        // Its id is its number.
        const std::size_t message = std::stoul(std::string(job.delivery->id.substr(1)));
        items_->push_back({.message = message, .delivery = job.delivery->number});
    }
    outcomes_ = outcomes;
    told_ended_ = 0;
    kept_ = items_->size();
    have_child();
}

void SimulatedChildProcessor::have_child() {
    if (child_ && child_->end()) child_.reset();
    if (child_) return begin_window();
    const auto pause = restarts_.next();
    if (!pause) {
        worker_.broken();
        return give_all_back();
    }
    worker_.later(*pause + random_.between(20ms, 300ms), [this] {
        if (worker_.can_start()) {
            child_ = start();
            next_seq_ = 1;
            books_.tell([&] { return worker_.name + " has a new child"; });
            return begin_window();
        }
        books_.tell([&] { return worker_.name + " cannot start its child"; });
        if (worker_.cancelled()) return give_all_back();
        have_child();
    });
}

// A moment later, as the host may have been asked to end meanwhile.
void SimulatedChildProcessor::give_all_back() {
    worker_.later(20us, [this] {
        not_begun(items_->size());
        items_.reset();
        worker_.finished();
    });
}

void SimulatedChildProcessor::begin_window() {
    since_ = timeline_.steady_now();
    window_.emplace(next_seq_, outcomes_, scenario_.workers.process_timeout, since_);
    for (ChildItem& item : *items_) item.seq = next_seq_++;
    call_.emplace(*child_, *window_, scenario_.workers.process_timeout, timeline_,
                  static_cast<svchost::CallProgress*>(this));
    child_->give(items_);
    look();
}

// At most one look is planned: the earliest.
void SimulatedChildProcessor::plan_look(SteadyTime time) {
    if (planned_ != SteadyTime{} && planned_ <= time) return;
    planned_ = time;
    const auto wait = std::chrono::ceil<Duration>(time - timeline_.steady_now());
    // A look takes a moment, however much the host hurries.
    worker_.later(std::max(wait, 1us), [this, number = ++looks_] {
        if (number == looks_) look();
    });
}

void SimulatedChildProcessor::look() {
    planned_ = {};
    ++looks_;
    if (call_->look(worker_.cancelled())) return over();
    check_child();
    plan_look(window_->wake_at(timeline_.steady_now()));
    if (child_->has_news()) plan_look(timeline_.steady_now() + 5us);
}

void SimulatedChildProcessor::over() {
    if (window_->ended() > 0) restarts_.worked();
    judge_ended(kept_ - told_ended_);
    if (call_->death()) child_.reset();
    call_.reset();
    window_.reset();
    items_.reset();
    planned_ = {};
    ++looks_;
    worker_.finished();
}

// What must not take for ever.
void SimulatedChildProcessor::check_child() {
    const SteadyTime now = timeline_.steady_now();
    const auto took_longer = [&](SteadyTime since, Duration limit) {
        return now - std::max(since, worker_.frozen_until()) > limit;
    };
    if (child_->gone_since() && took_longer(*child_->gone_since(), kSeen))
        books_.finding(worker_.name + " does not see that its child is dead, or lies");
    if (kept_ > told_ended_ && (*items_)[kept_ - 1].fate == Fate::given &&
        took_longer(since_, kHeldBack))
        books_.finding(fmt::format("{} holds m{}, which its child has not begun", worker_.name,
                                   (*items_)[kept_ - 1].message));
}

void SimulatedChildProcessor::ended(std::size_t count) {
    judge_ended(count);
    worker_.ended(count);
}

void SimulatedChildProcessor::judge_ended(std::size_t count) {
    for (; count > 0; --count, ++told_ended_) judge((*items_)[told_ended_], outcomes_[told_ended_]);
}

void SimulatedChildProcessor::judge(ChildItem& item, const Outcome& outcome) {
    const auto say = [&](std::string_view what) {
        books_.finding(fmt::format("{} {} m{}", worker_.name, what, item.message));
    };
    Books::Entry& entry = books_.of(item.message);
    if (outcome.kind == Outcome::Kind::ok) {
        if (item.fate != Fate::succeeded) say("acknowledges what did not succeed:");
        return;
    }
    switch (item.fate) {
        case Fate::given:
        case Fate::returned:
            return say("charges what was not begun:");
        case Fate::claimed:
            count_claimed(item);
            ++entry.failed;
            return;
        case Fate::begun:
            ++entry.failed;
            return;
        case Fate::succeeded:
            if (!child_->falsified_its_page()) return say("charges what has succeeded:");
            ++entry.repeats;
            ++entry.failed;
            return;
        case Fate::failed:
            if (outcome.kind != item.said) say("mistakes the failure of");
            return;
    }
}

void SimulatedChildProcessor::not_begun(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        ChildItem& item = (*items_)[--kept_];
        item.given_back = true;
        if (item.fate < Fate::begun || item.fate == Fate::returned) continue;
        // Whoever scribbles over the page takes the charge with it.
        Books::Entry& entry = books_.of(item.message);
        ++entry.excused;
        if (item.fate != Fate::begun) ++entry.repeats;
        if (!child_ || !child_->falsified_its_page())
            books_.finding(
                fmt::format("{} gives back m{}, which was begun", worker_.name, item.message));
    }
    worker_.not_begun(count);
}

// Its process was ended before it looked whether it may begin it, and the host cannot know.
void SimulatedChildProcessor::count_claimed(const ChildItem& item) {
    ++books_.of(item.message).begun;
    worker_.begun(item.delivery, item.message);
}

void SimulatedChildProcessor::end_child() {
    if (child_) child_->die("SIGKILL");
}

void SimulatedChildProcessor::die() {
    if (!child_) return;
    child_->die_with_host();
    if (!items_) return;
    for (const ChildItem& item : *items_)
        if (item.fate == Fate::claimed && !item.given_back) count_claimed(item);
}

svchost::ChildsWork SimulatedChildProcessor::work() const {
    return child_ ? child_->work() : svchost::ChildsWork{.first = 1, .begun = 0, .done = 0};
}

bool SimulatedChildProcessor::was_in_process(std::size_t place) const {
    if (!items_ || place >= items_->size()) return false;
    const Fate fate = (*items_)[place].fate;
    return fate == Fate::claimed || fate == Fate::begun;
}

}  // namespace rococo::simulator
