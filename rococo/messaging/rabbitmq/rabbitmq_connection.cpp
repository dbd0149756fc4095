// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq_connection.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "background_task.hpp"
#include "confirmed_publisher.hpp"
#include "consumer_link.hpp"
#include "delay_queue.hpp"
#include "message_copy.hpp"
#include "rabbitmq_delivery.hpp"
#include "random_fork.hpp"
#include "reconnect_backoff.hpp"
#include "rococo_headers.hpp"
#include "wake_event.hpp"

namespace rococo::messaging {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostPerReceive = 1024;
// An acknowledgement behind a slower delivery waits this long for the gap to close.
constexpr milliseconds kStragglerPatience{20};
// Acknowledgements are sent at the latest when they are a quarter of the prefetch: the broker has
// the other three quarters to go on with.
constexpr std::size_t kFlushShare = 4;
constexpr std::chrono::seconds kTimeoutCheckEvery{1};

}  // namespace

/// A copy that the broker has confirmed.
struct SafeCopy {
    std::uint64_t tag;        ///< Of the original.
    std::string delay_queue;  ///< Where the copy waits; empty for another kind of queue.
};

/// What the dispatcher's thread and the publisher's thread share.
struct CopyBoard {
    explicit CopyBoard(std::shared_ptr<WakeEvent> event) : wake(std::move(event)) {}

    const std::shared_ptr<WakeEvent> wake;
    /// Copies of deliveries from an older connection are not wanted: the broker brings the
    /// originals again.
    std::atomic<std::uint64_t> epoch{0};
    std::mutex mutex;
    std::vector<SafeCopy> safe;
};

namespace {

/// The copy of a delivery on its way to a delay queue or to the dead letters.
class CopyPublication final : public Publication {
public:
    CopyPublication(std::shared_ptr<CopyBoard> board, std::uint64_t epoch, std::uint64_t tag)
        : board_(std::move(board)), epoch_(epoch), tag_(tag) {}

    [[nodiscard]] bool wanted() const override { return board_->epoch.load() == epoch_; }
    void confirmed() override {
        if (!wanted()) return;
        {
            const std::lock_guard lock(board_->mutex);
            board_->safe.push_back(
                {tag_, queue.role == QueueRole::delay ? queue.name : std::string()});
        }
        board_->wake->notify();
    }
    // The original stays unacknowledged until its copy is safe, however long that takes.
    [[nodiscard]] bool failed(const Error& /*error*/) override { return wanted(); }

private:
    std::shared_ptr<CopyBoard> board_;
    std::uint64_t epoch_;
    std::uint64_t tag_;
};

}  // namespace

class RabbitMqConnection::Impl {
public:
    Impl(RabbitMqSettings settings, const Clock& clock, Logger logger, RandomSource random)
        : settings_(std::move(settings)),
          clock_(clock),
          logger_(logger),
          random_(std::move(random)),
          backoff_(settings_, fork_random(random_)) {}

    Result<void> open();
    void set_prefetch(std::size_t deliveries);
    Result<void> receive(SteadyTime deadline, Deliveries& out);
    Result<void> settle(Settlements settlements);
    [[nodiscard]] std::size_t unsettled() const {
        return copies_ + (link_ ? link_->acks_wanted() : 0);
    }
    void stop_receiving();
    Result<bool> empty();
    void close();
    void wake() noexcept {
        woken_.store(true);
        wake_->notify();
    }
    [[nodiscard]] std::string endpoint() const;

private:
    Result<void> try_all_hosts();
    void connected(std::unique_ptr<ConsumerLink> link);
    void lose_link(const Error& error);
    Result<void> reconnect();
    void keep(AmqpResult<void> outcome);
    void settle_one(Settlement settlement, ConfirmedPublisher::Publications& copies);
    std::unique_ptr<Publication> copy_of(Settlement& settlement);
    void collect_copies();
    void read(SteadyTime now, Deliveries& out);
    void resubscribe_if_cancelled();
    void flush_acks(bool about_to_wait);
    void warn_of_consumer_timeout();
    /// True where reading may yield something, or is due for the heartbeat's sake.
    [[nodiscard]] bool wait(SteadyTime deadline);
    [[nodiscard]] SteadyTime next_duty(SteadyTime deadline) const;
    Result<bool> delay_queues_empty();

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    RandomSource random_;
    ReconnectBackoff backoff_;
    std::vector<RabbitMqAddress> addresses_;
    std::size_t address_ = 0;  // The one in use, or tried last.

    std::shared_ptr<WakeEvent> wake_ = std::make_shared<WakeEvent>();
    std::atomic<bool> woken_{false};
    std::shared_ptr<CopyBoard> board_ = std::make_shared<CopyBoard>(wake_);

    std::unique_ptr<ConsumerLink> link_;
    BackgroundTask<AmqpResult<std::unique_ptr<ConsumerLink>>> reconnecting_;
    std::uint64_t epoch_ = 0;
    SteadyTime reconnect_not_before_{};
    unsigned hopeless_tries_ = 0;
    bool stopping_ = false;

    std::size_t prefetch_ = 64;
    std::size_t copies_ = 0;  // Handed to the publisher, of this epoch, not yet confirmed.
    SteadyTime read_due_{};
    SteadyTime stragglers_since_{};
    SteadyTime timeout_checked_{};
    std::uint64_t warned_tag_ = 0;
    std::vector<std::string> delay_queues_;  // Known to exist, as far as asked.
    bool delay_queues_known_ = false;

    std::unique_ptr<ConfirmedPublisher> publisher_;
};

// ---- Connecting -------------------------------------------------------------------------------

Result<void> RabbitMqConnection::Impl::open() {
    auto addresses = rabbitmq_addresses(settings_);
    if (!addresses) return tl::make_unexpected(std::move(addresses.error()));
    addresses_ = std::move(*addresses);
    if (settings_.queue.empty())
        return failure(ErrorKind::configuration, "RabbitMQ: no queue is named");
    if (settings_.tls.enabled && settings_.tls.insecure) {
        logger_.warning(
            "RABBITMQ_TLS_INSECURE is set: whoever stands between this host and RabbitMQ can read "
            "and change everything");
    }
    Error last;
    for (unsigned tries = 1;; ++tries) {
        auto connected = try_all_hosts();
        if (connected) return {};
        last = std::move(connected.error());
        if (last.kind != ErrorKind::unavailable || tries >= settings_.connect_tries) break;
        const auto pause = backoff_.next();
        logger_.warning("{}; trying again in {} ms ({} of {})", last.message, pause.count(), tries,
                        settings_.connect_tries);
        ::poll(nullptr, 0, static_cast<int>(pause.count()));
    }
    return tl::make_unexpected(std::move(last));
}

Result<void> RabbitMqConnection::Impl::try_all_hosts() {
    Error first;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
        auto link = ConsumerLink::open(settings_, addresses_[i], prefetch_, epoch_ + 1);
        if (link) {
            address_ = i;
            connected(std::move(*link));
            return {};
        }
        // What the first host says is the most telling, unless another one's is final.
        auto& error = link.error().error;
        if (i == 0 || (first.kind == ErrorKind::unavailable && error.kind != first.kind))
            first = std::move(error);
    }
    return tl::make_unexpected(std::move(first));
}

void RabbitMqConnection::Impl::connected(std::unique_ptr<ConsumerLink> link) {
    link_ = std::move(link);
    board_->epoch.store(++epoch_);
    backoff_.reset();
    hopeless_tries_ = 0;
    read_due_ = stragglers_since_ = {};
    warned_tag_ = 0;
    logger_.info("Consuming '{}' at {}", settings_.queue, endpoint());
    if (link_->prefetch() != prefetch_) keep(link_->change_prefetch(prefetch_));
}

void RabbitMqConnection::Impl::lose_link(const Error& error) {
    link_.reset();
    // From here on nothing that came by the old channel may be settled.
    board_->epoch.store(++epoch_);
    {
        const std::lock_guard lock(board_->mutex);
        board_->safe.clear();
    }
    copies_ = 0;
    // Copies whose confirms are lost may wait in any of them.
    delay_queues_known_ = false;
    if (stopping_) return;
    const auto pause = backoff_.next();
    reconnect_not_before_ = clock_.steady_now() + pause;
    logger_.warning("Lost the connection to {}: {}; connecting again", endpoint(), error.message);
}

Result<void> RabbitMqConnection::Impl::reconnect() {
    if (stopping_) return {};
    if (auto result = reconnecting_.take()) {
        if (*result) {
            connected(std::move(**result));
            return {};
        }
        auto& error = result->error().error;
        // Permissions and names may be half there while a broker starts, hence several tries.
        if (error.kind != ErrorKind::unavailable &&
            ++hopeless_tries_ >= settings_.connect_tries * addresses_.size())
            return tl::make_unexpected(std::move(error));
        const auto pause = backoff_.next();
        reconnect_not_before_ = clock_.steady_now() + pause;
        logger_.warning("{}; trying again in {} ms", error.message, pause.count());
        return {};
    }
    if (reconnecting_.running() || clock_.steady_now() < reconnect_not_before_) return {};
    address_ = (address_ + 1) % addresses_.size();
    reconnecting_.start(
        [settings = settings_, address = addresses_[address_], prefetch = prefetch_,
         epoch = epoch_ + 1] { return ConsumerLink::open(settings, address, prefetch, epoch); },
        wake_);
    return {};
}

void RabbitMqConnection::Impl::keep(AmqpResult<void> outcome) {
    if (!outcome) lose_link(outcome.error().error);
}

std::string RabbitMqConnection::Impl::endpoint() const {
    if (addresses_.empty()) return rabbitmq_endpoint(settings_, {settings_.hosts.front(), 0});
    return rabbitmq_endpoint(settings_, addresses_[address_]);
}

// ---- Receiving --------------------------------------------------------------------------------

void RabbitMqConnection::Impl::set_prefetch(std::size_t deliveries) {
    const auto wanted = std::max<std::size_t>(deliveries, 1);
    // Subscribing again has its price, so changes of less than a fifth are let pass.
    const auto change = wanted > prefetch_ ? wanted - prefetch_ : prefetch_ - wanted;
    if (link_ && change * 5 < prefetch_) return;
    if (wanted == prefetch_) return;
    prefetch_ = wanted;
    if (link_) keep(link_->change_prefetch(prefetch_));
}

Result<void> RabbitMqConnection::Impl::receive(SteadyTime deadline, Deliveries& out) {
    const std::size_t before = out.size();
    bool may_read = link_ && link_->has_buffered_input();
    while (true) {
        collect_copies();
        if (!link_) {
            auto tried = reconnect();
            if (!tried) return tried;
        }
        const auto now = clock_.steady_now();
        if (link_ && may_read) read(now, out);
        if (link_) resubscribe_if_cancelled();
        warn_of_consumer_timeout();
        if (out.size() > before) {
            flush_acks(false);
            return {};
        }
        if (woken_.exchange(false) || now >= deadline) {
            flush_acks(true);
            return {};
        }
        may_read = wait(deadline);
    }
}

void RabbitMqConnection::Impl::read(SteadyTime now, Deliveries& out) {
    // rabbitmq-c sends heartbeats, and misses the broker's, in this call only.
    const auto heartbeat = link_->heartbeat();
    read_due_ = heartbeat.count() > 0 ? now + heartbeat / 2 : SteadyTime::max();
    keep(link_->read(now, kMostPerReceive, out));
}

SteadyTime RabbitMqConnection::Impl::next_duty(SteadyTime deadline) const {
    auto until = deadline;
    if (!link_) {
        if (!stopping_ && !reconnecting_.running()) until = std::min(until, reconnect_not_before_);
        return until;
    }
    until = std::min(until, read_due_);
    if (stragglers_since_ != SteadyTime{})
        until = std::min(until, stragglers_since_ + kStragglerPatience);
    if (link_->in_hand() > 0) until = std::min(until, timeout_checked_ + kTimeoutCheckEvery);
    return until;
}

bool RabbitMqConnection::Impl::wait(SteadyTime deadline) {
    std::array<pollfd, 2> fds{
        pollfd{.fd = wake_->fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = link_ ? link_->fd() : -1, .events = POLLIN, .revents = 0}};
    // With input there already, acknowledgements are better sent with those that follow from it.
    if (link_ && link_->acks_wanted() > 0) {
        if (::poll(&fds[1], 1, 0) > 0) {
            flush_acks(false);
            return true;
        }
        flush_acks(true);
        if (!link_) return false;
    }
    const auto left =
        std::chrono::ceil<milliseconds>(next_duty(deadline) - clock_.steady_now()).count();
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
    const bool may_wait = wake_->begin_wait();
    ::poll(fds.data(), fds.size(), may_wait ? timeout : 0);
    wake_->end_wait((fds[0].revents & POLLIN) != 0);
    [[maybe_unused]] const bool notified = wake_->take();
    return (fds[1].revents != 0) || clock_.steady_now() >= read_due_;
}

void RabbitMqConnection::Impl::resubscribe_if_cancelled() {
    if (!link_->cancelled() || stopping_) return;
    logger_.warning(
        "RabbitMQ ended the subscription to '{}' (deleted, or moved): subscribing again",
        settings_.queue);
    keep(link_->subscribe_again());
}

void RabbitMqConnection::Impl::warn_of_consumer_timeout() {
    const auto now = clock_.steady_now();
    if (!link_ || now - timeout_checked_ < kTimeoutCheckEvery) return;
    timeout_checked_ = now;
    const auto arrived = link_->oldest_arrival();
    if (!arrived || settings_.consumer_timeout.count() == 0) return;
    if (now - *arrived < settings_.consumer_timeout * 4 / 5 || link_->oldest_tag() == warned_tag_)
        return;
    warned_tag_ = link_->oldest_tag();
    logger_.warning(
        "A message of '{}' is in hand for {} s. RabbitMQ closes the channel after its "
        "consumer_timeout ({} s here) and brings the message again: raise it on the broker, or "
        "make the work shorter",
        settings_.queue, std::chrono::floor<std::chrono::seconds>(now - *arrived).count(),
        std::chrono::floor<std::chrono::seconds>(settings_.consumer_timeout).count());
}

// ---- Settling ---------------------------------------------------------------------------------

Result<void> RabbitMqConnection::Impl::settle(Settlements settlements) {
    ConfirmedPublisher::Publications copies;
    for (auto& settlement : settlements) settle_one(std::move(settlement), copies);
    if (copies.empty()) return {};
    copies_ += copies.size();
    if (!publisher_) {
        publisher_ = std::make_unique<ConfirmedPublisher>(settings_, clock_, logger_,
                                                          fork_random(random_), "copies");
    }
    publisher_->submit(std::move(copies));
    return {};
}

void RabbitMqConnection::Impl::settle_one(Settlement settlement,
                                          ConfirmedPublisher::Publications& copies) {
    const auto& delivery = static_cast<const RabbitMqDelivery&>(*settlement.delivery);
    if (!link_ || delivery.epoch != epoch_) return;
    switch (settlement.verdict) {
        case Verdict::ack:
            link_->acknowledge(delivery.tag);
            return;
        case Verdict::release:
            keep(link_->release(delivery.tag));
            return;
        case Verdict::retry:
        case Verdict::dead_letter:
            copies.push_back(copy_of(settlement));
            return;
    }
}

std::unique_ptr<Publication> RabbitMqConnection::Impl::copy_of(Settlement& settlement) {
    const bool dead = settlement.verdict == Verdict::dead_letter;
    std::shared_ptr<RabbitMqDelivery> delivery(
        static_cast<RabbitMqDelivery*>(settlement.delivery.release()));
    auto publication = std::make_unique<CopyPublication>(board_, delivery->epoch, delivery->tag);
    auto copy = std::make_unique<MessageCopy>(
        delivery->raw_properties(), delivery->body,
        dead ? MessageCopy::Purpose::dead_letter : MessageCopy::Purpose::retry, settings_.user);
    const auto now = format_utc(clock_.now());
    copy->set_header(headers::kAttempts, std::int64_t{settlement.attempts});
    if (parse_utc(copy->header(headers::kFirstFailedAt)) == SystemTime{})
        copy->set_header(headers::kFirstFailedAt, now);
    copy->set_header(headers::kLastFailedAt, now);
    copy->set_header(headers::kError, std::move(settlement.error));
    auto& queue = publication->queue;
    if (dead) {
        copy->set_header(headers::kReason, std::move(settlement.reason));
        copy->set_header(headers::kOriginalQueue, settings_.queue);
        copy->set_header(headers::kDeadLetterId,
                         fmt::format("{:016x}{:016x}", random_(), random_()));
        queue.name = dead_letter_queue_name(settings_.queue);
        queue.role = QueueRole::dead_letter;
        queue.type = settings_.queue_type;
    } else if (settlement.delay.count() <= 0) {
        queue = work_queue(settings_, settings_.queue);
    } else {
        queue.role = QueueRole::delay;
        queue.delay = round_up_delay(settlement.delay);
        queue.name = delay_queue_name(settings_.queue, queue.delay);
        queue.returns_to = settings_.queue;
    }
    copy->keep(std::move(delivery));
    publication->message = std::move(copy);
    return publication;
}

void RabbitMqConnection::Impl::collect_copies() {
    std::vector<SafeCopy> safe;
    if (copies_ > 0) {
        const std::lock_guard lock(board_->mutex);
        safe.swap(board_->safe);
    }
    for (auto& copy : safe) {
        --copies_;
        if (link_) link_->acknowledge(copy.tag);
        if (!copy.delay_queue.empty() &&
            std::ranges::find(delay_queues_, copy.delay_queue) == delay_queues_.end())
            delay_queues_.push_back(std::move(copy.delay_queue));
    }
}

void RabbitMqConnection::Impl::flush_acks(bool about_to_wait) {
    if (!link_ || link_->acks_wanted() == 0) return;
    const auto many = std::max<std::size_t>(prefetch_ / kFlushShare, 1);
    if (!about_to_wait && link_->acks_wanted() < many) return;
    const auto now = clock_.steady_now();
    const bool overdue =
        stragglers_since_ != SteadyTime{} && now - stragglers_since_ >= kStragglerPatience;
    const bool all = overdue || link_->in_hand() == 0 || stopping_;
    keep(link_->flush(all));
    if (!link_ || link_->acks_wanted() == 0) {
        stragglers_since_ = {};
        return;
    }
    if (stragglers_since_ == SteadyTime{}) stragglers_since_ = now;
    if (link_->acks_wanted() >= many) keep(link_->flush(true));
}

// ---- Leaving ----------------------------------------------------------------------------------

void RabbitMqConnection::Impl::stop_receiving() {
    if (std::exchange(stopping_, true)) return;
    reconnecting_.abandon();
    if (link_) keep(link_->stop());
}

void RabbitMqConnection::Impl::close() {
    stopping_ = true;
    reconnecting_.abandon();
    if (link_) keep(link_->flush(true));
    if (link_) link_->close();
    link_.reset();
    // Copies that are not confirmed by now are given up; their originals are in the queue.
    board_->epoch.store(++epoch_);
    copies_ = 0;
    publisher_.reset();
}

Result<bool> RabbitMqConnection::Impl::empty() {
    // A copy on its way is in no queue yet.
    if (!link_ || copies_ > 0) return false;
    auto ready = link_->messages_ready(settings_.queue);
    if (!ready) {
        lose_link(ready.error().error);
        return false;
    }
    if (!*ready || **ready > 0) return false;
    auto delayed = delay_queues_empty();
    if (!delayed || !*delayed) return delayed;
    auto nothing = link_->nothing_on_its_way();
    if (!nothing) {
        lose_link(nothing.error().error);
        return false;
    }
    return *nothing;
}

// Nobody can list queues by AMQP, but the names are known: all of them are asked for once, so that
// an earlier run's retries count too, and afterwards those that exist.
Result<bool> RabbitMqConnection::Impl::delay_queues_empty() {
    if (!delay_queues_known_) {
        delay_queues_.clear();
        for (const auto step : delay_steps())
            delay_queues_.push_back(delay_queue_name(settings_.queue, step));
    }
    bool empty = true;
    std::vector<std::string> existing;
    for (const auto& name : delay_queues_) {
        auto ready = link_->messages_ready(name);
        if (!ready) {
            lose_link(ready.error().error);
            return false;
        }
        if (!*ready) continue;
        existing.push_back(name);
        empty = empty && **ready == 0;
    }
    delay_queues_ = std::move(existing);
    delay_queues_known_ = true;
    return empty;
}

// ---- The public face --------------------------------------------------------------------------

RabbitMqConnection::RabbitMqConnection(RabbitMqSettings settings, const Clock& clock, Logger logger,
                                       RandomSource random)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, logger, std::move(random))) {}
RabbitMqConnection::~RabbitMqConnection() { impl_->close(); }
Result<void> RabbitMqConnection::open() { return impl_->open(); }
void RabbitMqConnection::set_prefetch(std::size_t deliveries) { impl_->set_prefetch(deliveries); }
Result<void> RabbitMqConnection::receive(SteadyTime deadline, Deliveries& out) {
    return impl_->receive(deadline, out);
}
Result<void> RabbitMqConnection::settle(Settlements settlements) {
    return impl_->settle(std::move(settlements));
}
std::size_t RabbitMqConnection::unsettled() const { return impl_->unsettled(); }
void RabbitMqConnection::stop_receiving() { impl_->stop_receiving(); }
Result<bool> RabbitMqConnection::empty() { return impl_->empty(); }
void RabbitMqConnection::close() { impl_->close(); }
void RabbitMqConnection::wake() noexcept { impl_->wake(); }
std::string RabbitMqConnection::endpoint() const { return impl_->endpoint(); }

}  // namespace rococo::messaging
