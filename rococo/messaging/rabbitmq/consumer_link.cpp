// SPDX-License-Identifier: MIT
#include "consumer_link.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "delay_queue.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kDeclareChannel = 2;
// RETRY_DELAY's default: the delay queue that most services need first.
constexpr std::chrono::seconds kUsualDelay{1};

}  // namespace

ConsumerLink::ConsumerLink(RabbitMqSettings settings, std::unique_ptr<AmqpLink> link,
                           std::uint64_t epoch)
    : settings_(std::move(settings)),
      link_(std::move(link)),
      declarer_(*link_, kDeclareChannel),
      epoch_(epoch),
      subscription_(*link_, settings_, traits_) {}

// ---- Before the first delivery ----------------------------------------------------------------

AmqpResult<std::unique_ptr<ConsumerLink>> ConsumerLink::open(const RabbitMqSettings& settings,
                                                             const RabbitMqAddress& address,
                                                             const Terms& terms) {
    ROCOCO_ASSIGN_OR_RETURN(auto link,
                            AmqpLink::connect(settings, address, "consumer", kConsumeChannel));
    std::unique_ptr<ConsumerLink> consumer(
        new ConsumerLink(settings, std::move(link), terms.epoch));
    ROCOCO_TRY(consumer->prepare());
    if (terms.subscribed) {
        ROCOCO_TRY(consumer->subscription_.begin(terms.prefetch));
    } else {
        consumer->subscription_.begin_without();
    }
    return consumer;
}

AmqpResult<void> ConsumerLink::prepare() {
    ROCOCO_ASSIGN_OR_RETURN(traits_,
                            declarer_.ensure_and_learn(work_queue(settings_, settings_.queue)));
    ROCOCO_TRY(require_consumable());
    return require_rights(Look::make);
}

AmqpResult<void> ConsumerLink::require_consumable() {
    if (!traits_.stream) return {};
    return amqp_failure(
        ErrorKind::configuration,
        fmt::format("'{}' is a stream, which the host cannot consume: streams have no "
                    "acknowledgements and keep their messages. Use a classic or quorum queue",
                    settings_.queue));
}

// Missing rights show at once, not with the first message that fails. `run` makes the two queues;
// asking for queues that do not exist would fill the broker's log with errors.
AmqpResult<void> ConsumerLink::require_rights(Look look) {
    for (const auto& spec : {dead_letter_queue(settings_, settings_.queue),
                             delay_queue(settings_.queue, kUsualDelay)}) {
        AmqpResult<void> fine;
        if (look == Look::make) {
            fine = declarer_.ensure(spec);
        } else if (auto may = declarer_.may_ensure(spec.name); !may) {
            fine = tl::unexpected(std::move(may.error()));
        }
        if (fine) continue;
        if (fine.error().reply_code == kAccessRefused)
            fine.error().error.message += fmt::format(
                " Retries and dead letters of '{}' need that queue; docs/RABBITMQ.md has the "
                "permissions",
                settings_.queue);
        return fine;
    }
    return {};
}

AmqpResult<std::vector<std::string>> ConsumerLink::check(const RabbitMqSettings& settings,
                                                         const RabbitMqAddress& address) {
    ROCOCO_ASSIGN_OR_RETURN(auto link,
                            AmqpLink::connect(settings, address, "consumer", kConsumeChannel));
    ConsumerLink consumer(settings, std::move(link), 0);
    std::vector<std::string> notes;
    ROCOCO_ASSIGN_OR_RETURN(auto exists, consumer.declarer_.may_ensure(settings.queue));
    if (exists) {
        ROCOCO_ASSIGN_OR_RETURN(consumer.traits_,
                                consumer.declarer_.learn(work_queue(settings, settings.queue)));
        ROCOCO_TRY(consumer.require_consumable());
    } else {
        notes.push_back(fmt::format("Queue '{}' does not exist yet: `svchost run` declares it",
                                    settings.queue));
    }
    ROCOCO_TRY(consumer.require_rights(Look::only));
    consumer.close();
    return notes;
}

// ---- Reading ----------------------------------------------------------------------------------

AmqpResult<void> ConsumerLink::read(SteadyTime now, std::size_t limit, std::size_t max_bytes,
                                    Deliveries& out) {
    const std::size_t before = out.size();
    bytes_read_ = 0;
    const bool encrypted = settings_.tls.enabled;
    do {
        amqp_frame_t frame;
        timeval zero{};
        const int status = amqp_simple_wait_frame_noblock(link_->state(), &frame, &zero);
        if (status == AMQP_STATUS_TIMEOUT) break;
        ROCOCO_TRY(result_of(status, "read from RabbitMQ"));
        ROCOCO_TRY(handle(frame, out));
        // Everything was copied out of the frame, so its memory may serve the next one.
        amqp_maybe_release_buffers_on_channel(link_->state(), frame.channel);
        // Asking the socket once more costs two system calls and mostly yields nothing. What TLS
        // holds back, however, `poll` does not see.
    } while (out.size() - before < limit && bytes_read_ < max_bytes &&
             (encrypted || link_->has_buffered_input()));
    if (out.size() > before)
        arrivals_.emplace_back(static_cast<RabbitMqDelivery&>(*out[before]).tag, now);
    return {};
}

AmqpResult<void> ConsumerLink::handle(const amqp_frame_t& frame, Deliveries& out) {
    switch (frame.frame_type) {
        case AMQP_FRAME_METHOD:
            return handle_method(frame);
        case AMQP_FRAME_HEADER: {
            auto begun = begin_message(frame);
            if (begun && arriving_ && arriving_->complete()) return complete(out);
            return begun;
        }
        case AMQP_FRAME_BODY: {
            if (!arriving_) return {};
            if (!arriving_->append(view(frame.payload.body_fragment)))
                return amqp_failure(ErrorKind::unavailable,
                                    "RabbitMQ sent more of a message than it announced");
            return arriving_->complete() ? complete(out) : AmqpResult<void>{};
        }
        default:
            return {};
    }
}

AmqpResult<void> ConsumerLink::begin_message(const amqp_frame_t& frame) {
    if (arriving_tag_ == 0) return {};
    const auto& header = frame.payload.properties;
    if (header.body_size > RabbitMqDelivery::kMostBodyBytes) {
        return amqp_failure(
            ErrorKind::unavailable,
            fmt::format(
                "RabbitMQ announced a message of {} bytes; {} is the most that it can carry",
                header.body_size, RabbitMqDelivery::kMostBodyBytes));
    }
    arriving_ = RabbitMqDelivery::create(
        header.raw, *static_cast<const amqp_basic_properties_t*>(header.decoded), header.body_size,
        settings_.queue);
    return {};
}

AmqpResult<void> ConsumerLink::complete(Deliveries& out) {
    arriving_->tag = std::exchange(arriving_tag_, 0);
    if (!window_.delivered(arriving_->tag))
        return amqp_failure(
            ErrorKind::unavailable,
            fmt::format("RabbitMQ sent a delivery out of turn, number {}", arriving_->tag));
    arriving_->epoch = epoch_;
    arriving_->redelivered = arriving_again_;
    bytes_read_ += arriving_->bytes();
    out.push_back(std::move(arriving_));
    return {};
}

AmqpResult<void> ConsumerLink::handle_method(const amqp_frame_t& frame) {
    const auto& method = frame.payload.method;
    switch (method.id) {
        case AMQP_BASIC_DELIVER_METHOD:
            arriving_tag_ = static_cast<const amqp_basic_deliver_t*>(method.decoded)->delivery_tag;
            arriving_again_ = static_cast<const amqp_basic_deliver_t*>(method.decoded)->redelivered;
            arriving_.reset();
            return {};
        case AMQP_BASIC_CANCEL_METHOD:
            // The queue may be made again at any moment, and a tag of this channel would then
            // settle a message of the new one.
            return amqp_failure(ErrorKind::unavailable,
                                fmt::format("RabbitMQ ended the subscription to '{}' (deleted, or "
                                            "moved)",
                                            settings_.queue));
        case AMQP_BASIC_CANCEL_OK_METHOD:
            return subscription_.cancel_ok();
        case AMQP_BASIC_QOS_OK_METHOD:
            return qos_ok();
        case AMQP_BASIC_CONSUME_OK_METHOD:
            return subscription_.consume_ok();
        case AMQP_CHANNEL_CLOSE_METHOD:
        case AMQP_CONNECTION_CLOSE_METHOD:
            return tl::unexpected(
                failure_of_close(link_->state(), frame.channel, method,
                                 fmt::format("go on consuming '{}'", settings_.queue)));
        default:
            return {};
    }
}

// ---- Settling ---------------------------------------------------------------------------------

AmqpResult<void> ConsumerLink::release(std::uint64_t tag) {
    window_.settled_otherwise(tag);
    sent_.push_back({tag, Verdict::release});
    const int status = amqp_basic_nack(link_->state(), kConsumeChannel, tag, /*multiple=*/0,
                                       /*requeue=*/1);
    return result_of(status, "give a message back");
}

AmqpResult<void> ConsumerLink::flush(bool stragglers) {
    acks_.clear();
    const auto settled_before = settled_.size();
    window_.take(stragglers, acks_, settled_);
    const auto fresh = settled_.begin() + static_cast<std::ptrdiff_t>(settled_before);
    sent_.insert(sent_.end(), fresh, settled_.end());
    settled_.erase(fresh, settled_.end());
    for (const auto& ack : acks_) {
        const int status =
            amqp_basic_ack(link_->state(), kConsumeChannel, ack.tag, ack.multiple ? 1 : 0);
        ROCOCO_TRY(result_of(status, "acknowledge"));
    }
    return {};
}

AmqpResult<void> ConsumerLink::ask_for_receipt() {
    if (receipt_asked() || sent_.empty()) return {};
    sent_before_receipt_ = sent_.size();
    return subscription_.ask_for_receipt();
}

AmqpResult<void> ConsumerLink::qos_ok() {
    if (!subscription_.take_receipt()) return subscription_.qos_ok();
    const auto end = sent_.begin() + static_cast<std::ptrdiff_t>(sent_before_receipt_);
    settled_.insert(settled_.end(), sent_.begin(), end);
    sent_.erase(sent_.begin(), end);
    sent_before_receipt_ = 0;
    return {};
}

std::vector<std::uint64_t> ConsumerLink::open_tags() const {
    std::vector<std::uint64_t> tags;
    for (const auto& one : sent_) tags.push_back(one.tag);
    window_.list_open(tags);
    return tags;
}

// ---- Questions --------------------------------------------------------------------------------

AmqpResult<std::optional<std::uint32_t>> ConsumerLink::messages_ready(const std::string& queue) {
    auto state = declarer_.inspect(queue);
    if (state) return *state;
    if (state.error().reply_code == kNotFound) return std::nullopt;
    return tl::unexpected(std::move(state.error()));
}

AmqpResult<bool> ConsumerLink::nothing_on_its_way() {
    // An answer on the consuming channel comes after everything that the queue has handed to it.
    auto answered = subscription_.wait_for_receipt();
    if (!answered || !*answered) return answered;
    return !link_->has_buffered_input() && arriving_tag_ == 0;
}

std::optional<SteadyTime> ConsumerLink::oldest_arrival() {
    const auto oldest = window_.oldest();
    if (oldest == 0) {
        arrivals_.clear();
        return std::nullopt;
    }
    while (arrivals_.size() > 1 && arrivals_[1].first <= oldest) arrivals_.pop_front();
    if (arrivals_.empty()) return std::nullopt;
    return arrivals_.front().second;
}

}  // namespace rococo::messaging
