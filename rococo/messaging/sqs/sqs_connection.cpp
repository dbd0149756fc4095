// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws_caller.hpp"
#include "consumer.hpp"
#include "endpoint.hpp"
#include "event_loop.hpp"
#include "queue_address.hpp"
#include "queue_setup.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/connection_states.hpp"

namespace rococo::messaging {
namespace {

/// For giving back what is in hand: one or two requests, or the messages come back by themselves.
constexpr std::chrono::seconds kCloseTimeout{3};
constexpr std::chrono::seconds kBetweenCounts{1};

}  // namespace

class SqsConnection::Impl final : public MessageAdapter {
public:
    Impl(SqsSettings settings, std::string queue, const Clock& clock, RandomSource random,
         Logger logger)
        : settings_(std::move(settings)),
          queue_(std::move(queue)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {}

    // What is in hand comes back by itself: a destructor does not wait for a network.
    ~Impl() override { caller_.reset(); }

    Result<sqs::QueueAddress> connect();
    Result<std::vector<std::string>> check() override;
    Result<void> open() override;
    void limit(const Limits& limits) override {
        limits_ = limits;
        if (consumer_) consumer_->limit(limits);
    }
    Result<void> receive(SteadyTime deadline, Events& out) override;
    Result<void> settle(Settlements settlements) override;
    [[nodiscard]] std::size_t unsettled() const override {
        return consumer_ ? consumer_->unsettled() : 0;
    }
    void pause() override { states_.paused(loop_.clock().steady_now(), true); }
    void resume() override { states_.paused(loop_.clock().steady_now(), false); }
    void stop_receiving() override {
        if (consumer_) consumer_->stop_receiving();
    }
    [[nodiscard]] Result<bool> empty() override;
    void close() override;
    void wake() noexcept override { loop_.wake(); }
    [[nodiscard]] std::string endpoint() const override;

    SqsSettings settings_;
    std::string queue_;
    RandomSource random_;
    Logger logger_;
    sqs::EventLoop loop_;
    ConnectionStates states_;
    // Each needs the one before.
    std::unique_ptr<sqs::AwsCaller> caller_;
    std::unique_ptr<sqs::Consumer> consumer_;
    Limits limits_;
    std::optional<SteadyTime> counted_at_;  ///< When the queue last said that it is not empty.
    /// Deliveries of an earlier `open` must not be taken for later ones.
    std::uint64_t next_key_ = 0;
};

Result<sqs::QueueAddress> SqsConnection::Impl::connect() {
    close();
    ROCOCO_ASSIGN_OR_RETURN(auto address, sqs::parse_queue_address(queue_));
    ROCOCO_ASSIGN_OR_RETURN(caller_, sqs::AwsCaller::create(loop_, settings_, address.region,
                                                            address.url, random_, logger_));
    return address;
}

Result<std::vector<std::string>> SqsConnection::Impl::check() {
    ROCOCO_ASSIGN_OR_RETURN(const auto address, connect());
    sqs::SqsApi api(*caller_, settings_);
    return sqs::check_queue(api, address, settings_);
}

Result<void> SqsConnection::Impl::open() {
    ROCOCO_ASSIGN_OR_RETURN(const auto address, connect());
    sqs::SqsApi api(*caller_, settings_);
    auto setup = sqs::set_up_queue(api, address, settings_, logger_);
    if (!setup) {
        caller_.reset();
        return tl::unexpected(setup.error());
    }
    logger_.info(
        "Consuming SQS queue '{}' of {} at {}, visibility timeout {} s, dead letters to "
        "'{}'.",
        setup->queue.name, caller_->region(), caller_->endpoint(), setup->visibility.count(),
        setup->dead_letters ? setup->dead_letters->name : std::string("nowhere"));
    consumer_ = std::make_unique<sqs::Consumer>(loop_, *caller_, settings_, std::move(*setup),
                                                random_, logger_, limits_, next_key_, states_);
    states_.connected(loop_.clock().steady_now());
    return {};
}

Result<void> SqsConnection::Impl::receive(SteadyTime deadline, Events& out) {
    if (!consumer_) return failure(ErrorKind::internal, "receive before open");
    consumer_->pump();
    // Always once without waiting, so that a busy host too reads answers and extends visibility.
    loop_.turn(loop_.clock().steady_now());
    for (;;) {
        const auto more_at = consumer_->pump();
        const bool any = consumer_->take_events(out);
        if (consumer_->fatal()) return tl::unexpected(*consumer_->fatal());
        const bool woken = loop_.take_woken();
        if (any || woken || loop_.clock().steady_now() >= deadline) return {};
        loop_.turn(std::min(deadline, more_at));
    }
}

Result<void> SqsConnection::Impl::settle(Settlements settlements) {
    if (!consumer_) return {};
    for (auto& settlement : settlements) consumer_->settle(std::move(settlement));
    consumer_->pump();
    if (consumer_->fatal()) return tl::unexpected(*consumer_->fatal());
    return {};
}

/// The numbers are approximate and up to a minute old, so a poll must also have found nothing.
/// While messages are left, they are queried at most once a second, even if callers ask more often.
Result<bool> SqsConnection::Impl::empty() {
    if (!consumer_) return failure(ErrorKind::internal, "empty before open");
    if (!consumer_->last_poll_was_empty() || consumer_->has_waiting()) return false;
    const auto now = loop_.clock().steady_now();
    if (counted_at_ && now < *counted_at_ + kBetweenCounts) return false;
    static constexpr std::array<std::string_view, 3> kNames{"ApproximateNumberOfMessages",
                                                            "ApproximateNumberOfMessagesNotVisible",
                                                            "ApproximateNumberOfMessagesDelayed"};
    std::optional<tl::expected<sqs::SqsApi::Attributes, sqs::CallFailure>> answer;
    consumer_->api().ask_attributes(consumer_->setup().queue, kNames,
                                    [&](auto got) { answer = std::move(got); });
    // Extensions and verdicts go on meanwhile; one try, bounded by the time of a request.
    while (!answer) {
        const auto more_at = consumer_->pump();
        loop_.turn(std::min(more_at, loop_.clock().steady_now() + std::chrono::seconds(1)));
    }
    counted_at_ = now;
    if (!*answer) {
        if (answer->error().passing) return false;
        return tl::unexpected(answer->error().error);
    }
    const auto number = [&attributes = **answer](std::string_view name) {
        return sqs::number_at<std::int64_t>(attributes, name, 0);
    };
    const auto hidden_elsewhere = number("ApproximateNumberOfMessagesNotVisible") -
                                  static_cast<std::int64_t>(consumer_->hidden());
    const bool empty = number("ApproximateNumberOfMessages") == 0 &&
                       number("ApproximateNumberOfMessagesDelayed") == 0 && hidden_elsewhere <= 0 &&
                       consumer_->last_poll_was_empty() && !consumer_->has_waiting();
    if (empty) counted_at_.reset();
    return empty;
}

void SqsConnection::Impl::close() {
    if (consumer_) {
        consumer_->close(loop_.clock().steady_now() + kCloseTimeout);
        next_key_ = consumer_->next_key();
    }
    counted_at_.reset();
    // The calls under way hold the consumer: they go first.
    caller_.reset();
    consumer_.reset();
}

std::string SqsConnection::Impl::endpoint() const {
    const auto queue = sqs::mask_userinfo(queue_);
    return caller_ ? fmt::format("{} (queue {})", caller_->endpoint(), queue)
                   : fmt::format("SQS (queue {})", queue);
}

SqsConnection::SqsConnection(SqsSettings settings, std::string queue, const Clock& clock,
                             RandomSource random, Logger logger)
    : ForwardingAdapter(std::make_unique<Impl>(std::move(settings), std::move(queue), clock,
                                               std::move(random), logger)) {}

SqsConnection::Impl& SqsConnection::impl() const { return static_cast<Impl&>(worker()); }

void SqsConnection::set_listen_interval(std::chrono::seconds interval) {
    impl().settings_.listen_interval = interval;
    if (impl().consumer_) impl().consumer_->set_listen_interval(interval);
}

void SqsConnection::set_visibility_timeout(std::chrono::seconds timeout) {
    impl().settings_.visibility_timeout = timeout;
    if (impl().consumer_) impl().consumer_->set_visibility(timeout);
}

std::uint64_t SqsConnection::requests() const { return impl().loop_.exchanges(); }

}  // namespace rococo::messaging
