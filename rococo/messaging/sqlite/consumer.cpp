// SPDX-License-Identifier: MIT
#include "consumer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace rococo::messaging::sqlite {
namespace {

using std::chrono::milliseconds;

// After a ring, a death is looked for again so soon: the kernel reports the closing of a dead
// process's files a moment before it gives up their locks.
constexpr milliseconds kAfterRing{5};
constexpr milliseconds kShortestPatience{1000};
constexpr milliseconds kFirstPause{10};
constexpr milliseconds kLongestPause{2000};

std::size_t body_bytes(const Settlements& settlements) {
    std::size_t bytes = 0;
    for (const auto& settlement : settlements) bytes += settlement.delivery->body.size();
    return bytes;
}

/// Settlements may be of deliveries from before a `close`, which are no longer counted.
std::size_t less(std::size_t count, std::size_t settled) {
    return count - std::min(count, settled);
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
      logger_(logger) {}

Result<void> Consumer::open() {
    if (!doorbell_.usable()) {
        return failure(ErrorKind::unavailable,
                       "There is no file descriptor left for the embedded queue; raise the limit "
                       "(ulimit -n).");
    }
    close();
    auto database = Database::open(settings_, Database::IfAbsent::create, clock_);
    if (!database) return tl::unexpected(database.error());
    database_ = std::move(*database);
    // Before the first look, so that nothing that is sent after it is missed.
    if (!doorbell_.watch(database_->lock_file().path())) {
        logger_.warning(
            "The system has no inotify instance left (fs.inotify.max_user_instances): {} is looked "
            "at every 10 ms instead",
            settings_.path.string());
    }
    const auto number = declare_queue();
    if (!number) return tl::unexpected(number.error());
    tables_ = std::make_unique<Tables>(*database_, queue_name_, *number);
    stopped_ = false;
    failing_since_.reset();
    look_for_dead_at_ = clock_.steady_now();
    return {};
}

Result<std::int64_t> Consumer::declare_queue() {
    QueueTable queues(*database_);
    const auto found = queues.find(queue_name_);
    if (!found) return tl::unexpected(found.error());
    if (*found) return (*found)->number;
    std::int64_t number = 0;
    const auto written = database_->write(settings_.timeout, [&]() -> Result<void> {
        const auto made = queues.declare(queue_name_);
        if (!made) return tl::unexpected(made.error());
        number = made->number;
        return {};
    });
    if (!written) return tl::unexpected(written.error());
    return number;
}

Result<void> Consumer::receive(SteadyTime deadline, Deliveries& out) {
    if (tables_ == nullptr) return failure(ErrorKind::internal, "The embedded queue is not open.");
    const std::size_t before = out.size();
    while (true) {
        if (clock_.steady_now() >= try_again_at_) {
            if (auto done = work(deadline, out); !done) {
                if (auto endured = endure(done.error()); !endured) return endured;
            }
        }
        if (out.size() > before || wait(deadline)) return {};
    }
}

Result<void> Consumer::work(SteadyTime deadline, Deliveries& out) {
    if (clock_.steady_now() >= look_for_dead_at_) {
        if (auto done = bring_back_from_the_dead(); !done) return done;
    }
    const auto wanted = has_work();
    if (!wanted) return tl::unexpected(wanted.error());
    if (*wanted) {
        const auto patience =
            std::clamp(std::chrono::duration_cast<milliseconds>(deadline - clock_.steady_now()),
                       std::min(kShortestPatience, settings_.timeout), settings_.timeout);
        Taken taken;
        const auto own = tables_->registry.own();
        auto written = database_->write(patience, [&]() -> Result<void> {
            auto result = transact();
            if (!result) return tl::unexpected(result.error());
            taken = std::move(*result);
            return {};
        });
        if (!written) {
            // A number whose entry was not committed may be given to another.
            if (tables_->registry.own() != own) tables_->registry.forget();
            return written;
        }
        complete(std::move(taken), out);
    }
    if (failing_since_) {
        logger_.info("The queue file {} can be used again", settings_.path.string());
        failing_since_.reset();
    }
    return {};
}

Room Consumer::room() const {
    // As it will be after the settlements at hand.
    const std::size_t in_hand = less(in_hand_, settlements_.size());
    const std::size_t bytes = less(bytes_in_hand_, body_bytes(settlements_));
    if (stopped_ || in_hand >= prefetch_) return {};
    if (bytes >= settings_.max_bytes_in_hand) return {};
    return {prefetch_ - in_hand, settings_.max_bytes_in_hand - bytes};
}

Result<bool> Consumer::has_work() {
    if (!settlements_.empty()) return true;
    if (in_hand_ > 0 && clock_.steady_now() >= extend_at_) return true;
    if (room().messages == 0) {
        next_due_.reset();
        return false;
    }
    const auto outlook = tables_->claimer.look(clock_.now());
    if (!outlook) return tl::unexpected(outlook.error());
    next_due_ = outlook->due;
    return outlook->ready;
}

Result<Taken> Consumer::transact() {
    bool lost = false;
    if (auto done = take_part(lost); !done) return tl::unexpected(done.error());
    if (lost) {
        tables_->settler.forget_claims();
        logger_.warning(
            "The lease on {} messages of {} ended before this host gave a sign of life; they are "
            "processed again",
            in_hand_, queue_name_);
    }
    const auto now = clock_.now();
    const auto own = tables_->registry.own();
    if (auto done = tables_->settler.apply(settlements_, own, now); !done) {
        return tl::unexpected(done.error());
    }
    const Room free = room();
    if (free.messages == 0) return Taken{};
    return tables_->claimer.take(free, own, now);
}

Result<void> Consumer::take_part(bool& lost) {
    auto& registry = tables_->registry;
    const auto lease_until =
        std::chrono::time_point_cast<SystemTime::duration>(clock_.now() + settings_.lease);
    if (registry.own() != 0) {
        const auto present = registry.present();
        if (!present) return tl::unexpected(present.error());
        if (*present && clock_.steady_now() < extend_at_) return {};
        if (*present) return registry.extend(lease_until);
        lost = true;
    }
    return registry.enter(tables_->queue, lease_until);
}

void Consumer::complete(Taken taken, Deliveries& out) {
    if (clock_.steady_now() >= extend_at_) {
        extend_at_ = clock_.steady_now() + settings_.lease / 3;
    }
    if (brings_news(settlements_)) database_->lock_file().ring();
    tables_->settler.finish(settlements_, tables_->registry.own());
    in_hand_ = less(in_hand_, settlements_.size());
    bytes_in_hand_ = less(bytes_in_hand_, body_bytes(settlements_));
    settlements_.clear();

    if (taken.claimed > 0) tables_->settler.add_claim(taken.claim, taken.claimed);
    in_hand_ += taken.deliveries.size();
    for (auto& delivery : taken.deliveries) {
        bytes_in_hand_ += delivery->body.size();
        out.push_back(std::move(delivery));
    }
}

Result<void> Consumer::bring_back_from_the_dead() {
    look_for_dead_at_ = clock_.steady_now() + settings_.death_check;
    auto& registry = tables_->registry;
    const auto ended = registry.find_ended(clock_.now());
    if (!ended) return tl::unexpected(ended.error());
    if (ended->empty()) return {};
    auto written = database_->write(settings_.timeout, [&]() -> Result<void> {
        // Asked again: another consumer may have been first.
        const auto still = registry.find_ended(clock_.now());
        if (!still) return tl::unexpected(still.error());
        for (const auto& entry : *still) {
            if (auto done = registry.give_back(entry); !done) return done;
        }
        return {};
    });
    if (written) database_->lock_file().ring();
    return written;
}

bool Consumer::wait(SteadyTime deadline) {
    SteadyTime until = deadline;
    const bool listen = !failing_since_ && room().messages > 0;
    if (failing_since_) {
        until = std::min(until, try_again_at_);
    } else {
        until = std::min(until, look_for_dead_at_);
        if (in_hand_ > 0) until = std::min(until, extend_at_);
        if (next_due_) {
            const SystemTime due{std::chrono::microseconds(*next_due_)};
            until = std::min(until, clock_.steady_now() + (due - clock_.now()));
        }
    }
    const auto heard = doorbell_.wait(until - clock_.steady_now(), listen);
    if (heard == Doorbell::Heard::news) {
        look_for_dead_at_ = std::min(look_for_dead_at_, clock_.steady_now() + kAfterRing);
    }
    // A deadline that was slept through is over, also for a clock that stands still.
    const bool slept_through = heard == Doorbell::Heard::nothing && until == deadline;
    return heard == Doorbell::Heard::wake || slept_through || clock_.steady_now() >= deadline;
}

Result<void> Consumer::endure(const Error& error) {
    if (error.kind != ErrorKind::unavailable) return tl::unexpected(error);
    const auto now = clock_.steady_now();
    if (!failing_since_) {
        failing_since_ = now;
        pause_ = kFirstPause;
        logger_.warning("{} It is tried again for {} s; {} settlements are kept", error.message,
                        std::chrono::ceil<std::chrono::seconds>(settings_.give_up_after).count(),
                        settlements_.size());
    }
    if (now - *failing_since_ >= settings_.give_up_after) return tl::unexpected(error);
    try_again_at_ = now + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
    return {};
}

void Consumer::settle(Settlements settlements) {
    if (tables_ == nullptr) return;  // Given back by `close`: they come again.
    if (settlements_.empty()) {
        settlements_ = std::move(settlements);
        return;
    }
    std::move(settlements.begin(), settlements.end(), std::back_inserter(settlements_));
}

Result<bool> Consumer::empty() {
    if (tables_ == nullptr) return failure(ErrorKind::internal, "The embedded queue is not open.");
    if (brings_news(settlements_)) return false;  // They will be in the queue again.
    return tables_->claimer.nothing_left(tables_->registry.own());
}

void Consumer::close() {
    if (tables_ != nullptr && (tables_->registry.own() != 0 || !settlements_.empty())) {
        if (auto done = resign(); !done) {
            logger_.warning("{} What was in hand, {} settlements among it, is processed again",
                            done.error().message, settlements_.size());
        }
    }
    settlements_.clear();
    in_hand_ = 0;
    bytes_in_hand_ = 0;
    tables_.reset();
    doorbell_.stop_watching();
    database_.reset();
}

Result<void> Consumer::resign() {
    auto& registry = tables_->registry;
    auto written = database_->write(settings_.timeout, [&]() -> Result<void> {
        const auto present = registry.present();
        if (!present) return tl::unexpected(present.error());
        constexpr std::int64_t kNobody = -1;
        const auto own = *present ? registry.own() : kNobody;
        return tables_->settler.apply(settlements_, own, clock_.now()).and_then([&]() {
            return *present ? registry.give_back({own, tables_->queue}) : Result<void>();
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
