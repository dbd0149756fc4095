// SPDX-License-Identifier: MIT
#include "consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "queue_check.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqlite {
namespace {

using std::chrono::milliseconds;

// After a ring, a death is looked for again so soon: the kernel reports the closing of a dead
// process's files a moment before it gives up their locks.
constexpr milliseconds kAfterRing{5};
// How long `receive` waits for its turn to write, whatever its deadline. Turns are given in order
// of request, so a longer wait means that another process is stuck.
constexpr milliseconds kShortestPatience{1000};
constexpr milliseconds kLongestPatience{5000};
constexpr milliseconds kClosingPatience{5000};
constexpr std::chrono::minutes kBetweenLines{1};
// Two clocks that are read one after the other differ by what comes between.
constexpr milliseconds kClockNoise{100};

/// What was settled may be more than what was in hand, when limits were lowered.
std::size_t less(std::size_t count, std::size_t settled) {
    return count - std::min(count, settled);
}

const QueuedDelivery& queued(const Settlement& settlement) {
    return static_cast<const QueuedDelivery&>(*settlement.delivery);
}

bool brings_news(const Settlements& settlements) {
    return std::any_of(settlements.begin(), settlements.end(), [](const Settlement& settlement) {
        return settlement.verdict != Verdict::ack;
    });
}

}  // namespace

Consumer::Consumer(SqliteSettings settings, std::string queue_name, const Clock& clock,
                   Logger logger)
    : settings_(std::move(settings)),
      queue_name_(std::move(queue_name)),
      clock_(clock),
      logger_(logger),
      endurance_(clock, logger) {
    limit({});
}

Result<std::vector<std::string>> Consumer::check() { return check_queue(settings_, queue_name_); }

void Consumer::limit(const Limits& limits) {
    limits_.deliveries = std::max<std::size_t>(limits.deliveries, 1);
    const bool given = limits.bytes != Limits().bytes;
    limits_.bytes = given ? limits.bytes : settings_.max_bytes_in_hand;
}

Result<void> Consumer::open() {
    if (!doorbell_.usable()) {
        return failure(ErrorKind::unavailable,
                       "There is no file descriptor left for the embedded queue; raise the limit "
                       "(ulimit -n).");
    }
    close();
    ROCOCO_ASSIGN_OR_RETURN(database_,
                            Database::open(settings_, Database::IfAbsent::create, clock_));
    // Before the first look, so that nothing that is sent after it is missed.
    if (!doorbell_.watch(database_->lock_file().path())) {
        logger_.warning(
            "The system has no inotify instance left (fs.inotify.max_user_instances): {} is looked "
            "at every 10 ms instead",
            settings_.path.string());
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto number, declare_queue());
    tables_ = std::make_unique<Tables>(*database_, queue_name_, number, settings_.lease, clock_);
    for (const auto& exposure : database_->files().exposures()) logger_.warning("{}", exposure);
    stopped_ = false;
    endurance_.reset();
    clock_offset_.reset();
    look_around_at_ = clock_.steady_now();
    states_.connected(clock_.steady_now());
    return {};
}

Result<std::int64_t> Consumer::declare_queue() {
    QueueTable queues(*database_);
    ROCOCO_ASSIGN_OR_RETURN(const auto found, queues.find(queue_name_));
    if (found) return found->number;
    std::int64_t number = 0;
    const auto written = database_->write(settings_.timeout, [&]() -> Result<void> {
        ROCOCO_ASSIGN_OR_RETURN(const auto made, queues.declare(queue_name_));
        number = made.number;
        return {};
    });
    return written.map([&] { return number; });
}

Result<void> Consumer::receive(SteadyTime deadline, Events& out) {
    if (tables_ == nullptr) return failure(ErrorKind::internal, "The embedded queue is not open.");
    const std::size_t before = out.count();
    while (true) {
        auto worked = try_to_work(deadline, out);
        states_.tell(out);
        if (!worked) return worked;
        if (out.count() > before || wait(deadline)) return {};
    }
}

Result<void> Consumer::try_to_work(SteadyTime deadline, Events& out) {
    if (clock_.steady_now() < endurance_.try_again_at()) return {};
    auto worked = work(deadline, out);
    const auto now = clock_.steady_now();
    if (worked) {
        endurance_.worked(settings_.path);
        states_.blocked(now, {});
        return {};
    }
    if (worked.error().kind != ErrorKind::unavailable) {
        states_.lost(now, worked.error().message);
        return worked;
    }
    endurance_.failed(worked.error(), settlements_.size());
    states_.blocked(now, worked.error().message);
    return {};
}

milliseconds Consumer::patience(SteadyTime deadline) const {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - clock_.steady_now());
    return std::min(std::clamp(left, kShortestPatience, kLongestPatience), settings_.timeout);
}

Result<void> Consumer::work(SteadyTime deadline, Events& out) {
    if (clock_.steady_now() >= look_around_at_) ROCOCO_TRY(look_around());
    ROCOCO_ASSIGN_OR_RETURN(const auto wanted, has_work());
    if (wanted) {
        Taken taken;
        const auto own = tables_->registry.own();
        auto written = database_->write(patience(deadline), [&]() -> Result<void> {
            ROCOCO_ASSIGN_OR_RETURN(taken, transact());
            return {};
        });
        if (!written) {
            // A number whose entry was not committed may be given to another.
            if (tables_->registry.own() != own) tables_->registry.forget();
            return written;
        }
        complete(std::move(taken), out);
    }
    return {};
}

Room Consumer::room() const {
    // As it will be after the settlements at hand, or without what was lost.
    const std::size_t in_hand = lost_ ? 0 : less(in_hand_.count(), settlements_.size());
    const std::size_t bytes = lost_ ? 0 : less(in_hand_.bytes(), settlement_bytes_);
    if (stopped_ || states_.is_paused() || in_hand >= limits_.deliveries) return {};
    // However small the limit is, one message gets through.
    const std::size_t most = std::max<std::size_t>(limits_.bytes, 1);
    if (bytes >= most) return {};
    return {limits_.deliveries - in_hand, most - bytes};
}

Result<bool> Consumer::has_work() {
    if (!settlements_.empty()) return true;
    if (in_hand_.count() > 0 && clock_.steady_now() >= extend_at_) return true;
    if (room().messages == 0) {
        next_due_.reset();
        return false;
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto outlook, tables_->claimer.look(clock_.now()));
    next_due_ = outlook.due;
    return outlook.ready;
}

Result<Taken> Consumer::transact() {
    ROCOCO_TRY(take_part());
    const auto now = clock_.now();
    const auto own = tables_->registry.own();
    ROCOCO_TRY(tables_->settler.apply(settlements_, own, now));
    const Room free = room();
    if (free.messages == 0) return Taken{};
    return tables_->claimer.take(free, own, now);
}

Result<void> Consumer::take_part() {
    auto& registry = tables_->registry;
    if (registry.own() != 0) {
        ROCOCO_ASSIGN_OR_RETURN(const auto present, registry.present());
        if (present && clock_.steady_now() < extend_at_) return {};
        if (present) return registry.extend();
        // Remembered until it was told, should this transaction fail.
        lost_ = true;
    }
    return registry.enter(tables_->queue);
}

void Consumer::complete(Taken taken, Events& out) {
    if (clock_.steady_now() >= extend_at_) {
        extend_at_ = clock_.steady_now() + settings_.lease / 3;
    }
    if (brings_news(settlements_)) database_->lock_file().ring();
    if (lost_) tables_->settler.forget_claims();
    tables_->settler.finish(settlements_, tables_->registry.own());
    report_settled(out);
    if (lost_) {
        logger_.warning(
            "The lease on {} of {} expired because this host did not renew it in time: all of that "
            "will be processed again",
            counted(in_hand_.count(), "message"), queue_name_);
        in_hand_.lose_all(out.lost);
        lost_ = false;
    }

    if (taken.claimed > 0) tables_->settler.add_claim(taken.claim, taken.claimed);
    for (auto& delivery : taken.deliveries) {
        in_hand_.add(*delivery);
        out.deliveries.push_back(std::move(delivery));
    }
}

void Consumer::report_settled(Events& out) {
    for (const auto& settlement : settlements_) {
        const auto& delivery = queued(settlement);
        // What another has meanwhile may be acknowledged, since the work was done; nothing else.
        if (lost_ && settlement.verdict != Verdict::ack) continue;
        out.settled.push_back({delivery.number, settlement.verdict});
        in_hand_.remove(delivery);
    }
    settlements_.clear();
    settlement_bytes_ = 0;
}

Result<void> Consumer::look_around() {
    look_around_at_ = clock_.steady_now() + settings_.death_check;
    return bring_back_from_the_dead().and_then([&] { return correct_retries(); });
}

Result<void> Consumer::bring_back_from_the_dead() {
    auto& registry = tables_->registry;
    ROCOCO_ASSIGN_OR_RETURN(const auto ended, registry.find_ended());
    if (ended.empty()) return {};
    auto written = database_->write(patience({}), [&]() -> Result<void> {
        // Asked again: another consumer may have been first.
        ROCOCO_ASSIGN_OR_RETURN(const auto still, registry.find_ended());
        for (const auto& entry : still) ROCOCO_TRY(registry.give_back(entry));
        return {};
    });
    if (written) database_->lock_file().ring();
    return written;
}

// A retry's time is a date, so that it survives a reboot. Where the clock was a day fast when a
// message failed, it would be due in a day. It shows: it failed in the future.
Result<void> Consumer::correct_retries() {
    const auto now = clock_.now();
    const std::chrono::nanoseconds offset =
        now.time_since_epoch() - clock_.steady_now().time_since_epoch();
    const bool set_back = !clock_offset_ || offset < *clock_offset_ - kClockNoise;
    ROCOCO_ASSIGN_OR_RETURN(const auto ahead, tables_->claimer.failed_in_the_future(now, set_back));
    if (ahead) {
        auto written = database_->write(
            patience({}), [&]() -> Result<void> { return tables_->claimer.wait_from_now(now); });
        if (!written) return written;
        if (clock_.steady_now() >= speak_of_clock_at_) {
            logger_.warning(
                "Messages of {} are recorded as failed in the future: the clock was fast, or was "
                "set back. Their delays start again now",
                queue_name_);
            speak_of_clock_at_ = clock_.steady_now() + kBetweenLines;
        }
    }
    clock_offset_ = offset;
    return {};
}

bool Consumer::wait(SteadyTime deadline) {
    SteadyTime until = deadline;
    const bool listen = !endurance_.failing() && room().messages > 0;
    if (endurance_.failing()) {
        until = std::min(until, endurance_.try_again_at());
    } else {
        until = std::min(until, look_around_at_);
        if (in_hand_.count() > 0) until = std::min(until, extend_at_);
        if (next_due_) {
            const SystemTime due{std::chrono::microseconds(*next_due_)};
            until = std::min(until, clock_.steady_now() + (due - clock_.now()));
        }
    }
    const auto heard = doorbell_.wait(until - clock_.steady_now(), listen);
    if (heard == Doorbell::Heard::news) {
        look_around_at_ = std::min(look_around_at_, clock_.steady_now() + kAfterRing);
    }
    // A deadline that was slept through is over, also for a clock that stands still.
    const bool slept_through = heard == Doorbell::Heard::nothing && until == deadline;
    return heard == Doorbell::Heard::wake || slept_through || clock_.steady_now() >= deadline;
}

Result<void> Consumer::settle(Settlements settlements) {
    // Lost deliveries, and those returned by `close`, are delivered again, so their verdicts no
    // longer count.
    std::erase_if(settlements, [&](const Settlement& settlement) {
        return tables_ == nullptr || !in_hand_.has(queued(settlement));
    });
    for (const auto& settlement : settlements) settlement_bytes_ += queued(settlement).bytes();
    if (settlements_.empty()) {
        settlements_ = std::move(settlements);
        return {};
    }
    std::move(settlements.begin(), settlements.end(), std::back_inserter(settlements_));
    return {};
}

Result<bool> Consumer::empty() {
    if (tables_ == nullptr) return failure(ErrorKind::internal, "The embedded queue is not open.");
    if (brings_news(settlements_)) return false;  // They will be in the queue again.
    return tables_->claimer.nothing_left(tables_->registry.own());
}

void Consumer::close() {
    if (tables_ != nullptr && (tables_->registry.own() != 0 || !settlements_.empty())) {
        if (auto done = resign(); !done) {
            logger_.warning(
                "{} All messages in hand, including those of {}, will be processed again",
                done.error().message, counted(settlements_.size(), "settlement"));
        }
    }
    settlements_.clear();
    settlement_bytes_ = 0;
    in_hand_.clear();
    lost_ = false;
    tables_.reset();
    doorbell_.stop_watching();
    database_.reset();
}

Result<void> Consumer::resign() {
    auto& registry = tables_->registry;
    const auto patience = std::min(kClosingPatience, settings_.timeout);
    auto written = database_->write(patience, [&]() -> Result<void> {
        ROCOCO_ASSIGN_OR_RETURN(auto present, registry.present());
        constexpr std::int64_t kNobody = -1;
        const auto own = present ? registry.own() : kNobody;
        return tables_->settler.apply(settlements_, own, clock_.now()).and_then([&]() {
            return present ? registry.give_back({own, tables_->queue}) : Result<void>();
        });
    });
    if (written) database_->lock_file().ring();
    return written;
}

std::string Consumer::endpoint() const { return fmt::format("sqlite:{}", settings_.path.string()); }

SqliteStatistics Consumer::statistics() const {
    return database_ != nullptr ? database_->statistics() : SqliteStatistics{};
}

}  // namespace rococo::messaging::sqlite
