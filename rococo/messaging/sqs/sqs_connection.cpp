// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "aws_caller.hpp"
#include "consumer.hpp"
#include "event_loop.hpp"
#include "queue_address.hpp"
#include "queue_setup.hpp"

namespace rococo::messaging {
namespace {

/// For giving back what is in hand: one or two requests, or the messages come back by themselves.
constexpr std::chrono::seconds kCloseTimeout{3};

std::int64_t number_of(const sqs::SqsApi::Attributes& attributes, const std::string& name) {
    std::int64_t number = 0;
    const auto found = attributes.find(name);
    if (found == attributes.end()) return 0;
    const auto& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

}  // namespace

class SqsConnection::Impl {
public:
    Impl(SqsSettings settings, std::string queue, const Clock& clock, RandomBits random,
         Logger logger)
        : settings_(std::move(settings)),
          queue_(std::move(queue)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {}

    Result<void> open();
    Result<void> receive(SteadyTime deadline, Deliveries& out);
    [[nodiscard]] Result<bool> empty() const;
    void close();
    [[nodiscard]] std::string endpoint() const;

    SqsSettings settings_;
    std::string queue_;
    RandomBits random_;
    Logger logger_;
    sqs::EventLoop loop_;
    // Each needs the one before.
    std::unique_ptr<sqs::AwsCaller> caller_;
    std::unique_ptr<sqs::Consumer> consumer_;
    std::size_t prefetch_ = 1;
    /// Deliveries of an earlier `open` must not be taken for later ones.
    std::uint64_t next_key_ = 0;
};

Result<void> SqsConnection::Impl::open() {
    close();
    const auto address = sqs::parse_queue_address(queue_);
    if (!address) return tl::unexpected(address.error());
    auto caller =
        sqs::AwsCaller::create(loop_, settings_, address->region, address->url, random_, logger_);
    if (!caller) return tl::unexpected(caller.error());
    caller_ = std::move(*caller);
    sqs::SqsApi api(*caller_, settings_);
    auto setup = sqs::set_up_queue(api, *address, settings_, logger_);
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
                                                random_, logger_, next_key_);
    consumer_->set_prefetch(prefetch_);
    return {};
}

Result<void> SqsConnection::Impl::receive(SteadyTime deadline, Deliveries& out) {
    if (!consumer_) return failure(ErrorKind::internal, "receive before open");
    consumer_->pump();
    // Always once without waiting, so that a busy host too reads answers and extends visibility.
    loop_.turn(loop_.clock().steady_now());
    for (;;) {
        const auto more_at = consumer_->pump();
        if (consumer_->fatal()) return tl::unexpected(*consumer_->fatal());
        const auto before = out.size();
        consumer_->hand_out(out);
        const bool woken = loop_.take_woken();
        if (out.size() > before || woken || loop_.clock().steady_now() >= deadline) return {};
        loop_.turn(std::min(deadline, more_at));
    }
}

Result<bool> SqsConnection::Impl::empty() const {
    if (!consumer_) return failure(ErrorKind::internal, "empty before open");
    static constexpr std::array<std::string_view, 3> kNames{"ApproximateNumberOfMessages",
                                                            "ApproximateNumberOfMessagesNotVisible",
                                                            "ApproximateNumberOfMessagesDelayed"};
    const auto give_up_at = loop_.clock().steady_now() + settings_.open_timeout;
    const auto attributes =
        consumer_->api().attributes(consumer_->setup().queue, kNames, give_up_at);
    if (!attributes) return tl::unexpected(attributes.error().error);
    // The numbers are approximate, up to a minute behind: a poll that found nothing must agree.
    const auto hidden_elsewhere = number_of(*attributes, "ApproximateNumberOfMessagesNotVisible") -
                                  static_cast<std::int64_t>(consumer_->in_hand());
    return consumer_->last_poll_was_empty() && !consumer_->has_waiting() &&
           number_of(*attributes, "ApproximateNumberOfMessages") == 0 &&
           number_of(*attributes, "ApproximateNumberOfMessagesDelayed") == 0 &&
           hidden_elsewhere <= 0;
}

void SqsConnection::Impl::close() {
    if (consumer_) {
        consumer_->close(loop_.clock().steady_now() + kCloseTimeout);
        next_key_ = consumer_->next_key();
    }
    // The calls under way hold the consumer: they go first.
    caller_.reset();
    consumer_.reset();
}

std::string SqsConnection::Impl::endpoint() const {
    return caller_ ? fmt::format("{} (queue {})", caller_->endpoint(), queue_)
                   : fmt::format("SQS (queue {})", queue_);
}

SqsConnection::SqsConnection(SqsSettings settings, std::string queue, const Clock& clock,
                             RandomBits random, Logger logger)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(queue), clock, std::move(random),
                                   logger)) {}

SqsConnection::~SqsConnection() {
    // Not `close`: a destructor does not wait for a network. What is in hand comes back by itself.
    impl_->caller_.reset();
}

Result<void> SqsConnection::open() { return impl_->open(); }

void SqsConnection::set_prefetch(std::size_t deliveries) {
    impl_->prefetch_ = std::max<std::size_t>(deliveries, 1);
    if (impl_->consumer_) impl_->consumer_->set_prefetch(impl_->prefetch_);
}

Result<void> SqsConnection::receive(SteadyTime deadline, Deliveries& out) {
    return impl_->receive(deadline, out);
}

Result<void> SqsConnection::settle(Settlements settlements) {
    if (!impl_->consumer_) return {};
    for (auto& settlement : settlements) impl_->consumer_->settle(std::move(settlement));
    impl_->consumer_->pump();
    if (impl_->consumer_->fatal()) return tl::unexpected(*impl_->consumer_->fatal());
    return {};
}

std::size_t SqsConnection::unsettled() const {
    return impl_->consumer_ ? impl_->consumer_->settling() : 0;
}

void SqsConnection::stop_receiving() {
    if (impl_->consumer_) impl_->consumer_->stop_receiving();
}

Result<bool> SqsConnection::empty() { return impl_->empty(); }

void SqsConnection::close() { impl_->close(); }

void SqsConnection::wake() noexcept { impl_->loop_.wake(); }

std::string SqsConnection::endpoint() const { return impl_->endpoint(); }

void SqsConnection::set_listen_interval(std::chrono::seconds interval) {
    impl_->settings_.listen_interval = interval;
    if (impl_->consumer_) impl_->consumer_->set_listen_interval(interval);
}

void SqsConnection::set_visibility_timeout(std::chrono::seconds timeout) {
    impl_->settings_.visibility_timeout = timeout;
    if (impl_->consumer_) impl_->consumer_->set_visibility(timeout);
}

std::uint64_t SqsConnection::requests() const { return impl_->loop_.exchanges(); }

}  // namespace rococo::messaging
