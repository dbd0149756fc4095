// SPDX-License-Identifier: MIT
#include "retired_delays.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

#include <utility>

#include "delay_queue.hpp"
#include "message_copy.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kGetChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
constexpr unsigned kRounds = 2;
constexpr std::chrono::minutes kSecondRoundAfter{15};
constexpr std::chrono::milliseconds kWhileMoving{10};
constexpr int kMostPerStep = 20;
// So many copies are on their way at the same time.
constexpr std::size_t kMostOnTheirWay = 200;

}  // namespace

RetiredDelays::RetiredDelays(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
                             RandomSource random, std::shared_ptr<WakeEvent> wake)
    : settings_(settings),
      clock_(clock),
      logger_(logger),
      wake_(wake),
      desk_(settings, clock, logger, std::move(random), std::move(wake), "moved retries") {}

RetiredDelays::~RetiredDelays() { close(); }

void RetiredDelays::begin(RabbitMqAddress address) {
    address_ = std::move(address);
    begin_anew(rounds_ < kRounds ? clock_.steady_now() : SteadyTime::max());
}

void RetiredDelays::begin_anew(SteadyTime due) {
    desk_.begin_epoch(++epoch_);
    connecting_.abandon();
    link_.reset();
    next_step_ = 0;
    left_ = 0;
    due_ = due;
}

void RetiredDelays::close() {
    begin_anew(SteadyTime::max());
    desk_.close();
}

void RetiredDelays::step() {
    const auto now = clock_.steady_now();
    if (now < due_) return;
    if (!link_) {
        connect(now);
        return;
    }
    if (auto worked = work(now); !worked) {
        logger_.warning("Moving retries of version 1.0.0: {}", worked.error().error.message);
        end_round(now);
    }
}

void RetiredDelays::connect(SteadyTime now) {
    due_ = now + kWhileMoving;
    if (!connecting_.running()) {
        connecting_.start(
            [settings = settings_, address = address_] {
                return AmqpLink::connect(settings, address, "moved retries", kGetChannel);
            },
            wake_);
        return;
    }
    auto result = connecting_.take();
    if (!result) return;
    if (*result) {
        link_ = std::move(**result);
    } else {
        end_round(now);
    }
}

void RetiredDelays::end_round(SteadyTime now) {
    ++rounds_;
    begin_anew(rounds_ < kRounds ? now + kSecondRoundAfter : SteadyTime::max());
}

AmqpResult<void> RetiredDelays::work(SteadyTime now) {
    due_ = now + kWhileMoving;
    ROCOCO_TRY(acknowledge_safe());
    if (left_ > 0) return move_some();
    if (next_step_ < delay_steps().size()) {
        due_ = now;
        return look();
    }
    if (desk_.waiting() > 0) return {};
    if (const auto moved = std::exchange(moved_, 0); moved > 0)
        logger_.info("Moved {} of '{}' from the delay queues of version 1.0.0",
                     counted(moved, "delayed message"), settings_.queue);
    link_->close();
    end_round(now);
    return {};
}

AmqpResult<void> RetiredDelays::look() {
    QueueDeclarer declarer(*link_, kDeclareChannel);
    const auto name = retired_delay_queue_name(settings_.queue, delay_steps()[next_step_]);
    auto state = declarer.inspect(name);
    if (state) {
        left_ = *state;
        declarer.close();
    } else if (!state.error().channel_only) {
        return tl::unexpected(std::move(state.error()));
    }
    if (left_ == 0) ++next_step_;
    return {};
}

AmqpResult<void> RetiredDelays::move_some() {
    for (int i = 0; i < kMostPerStep && left_ > 0 && desk_.waiting() < kMostOnTheirWay; ++i) {
        ROCOCO_ASSIGN_OR_RETURN(auto moved, move_one());
        left_ = moved ? left_ - 1 : 0;
    }
    desk_.publish();
    if (left_ == 0) ++next_step_;
    return {};
}

AmqpResult<bool> RetiredDelays::move_one() {
    const auto step = delay_steps()[next_step_];
    const auto name = retired_delay_queue_name(settings_.queue, step);
    std::uint64_t tag = 0;
    ROCOCO_ASSIGN_OR_RETURN(auto message, link_->get(kGetChannel, name, tag));
    if (message == nullptr) return false;

    auto copy = std::make_unique<MessageCopy>(message->properties, view(message->body),
                                              MessageCopy::Purpose::retry, settings_.user);
    const auto bytes = message->body.len;
    copy->keep(std::move(message));
    desk_.add(tag, Verdict::retry, bytes, delay_queue(settings_.queue, step), std::move(copy));
    return true;
}

AmqpResult<void> RetiredDelays::acknowledge_safe() {
    for (const auto& safe : desk_.take_safe()) {
        ROCOCO_TRY(
            result_of(amqp_basic_ack(link_->state(), kGetChannel, safe.tag, 0), "acknowledge"));
        ++moved_;
    }
    return {};
}

}  // namespace rococo::messaging
