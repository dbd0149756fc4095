// SPDX-License-Identifier: MIT
// The consumer's decisions about its subscription: when to have one, and when to take up another.
#include <utility>

#include "rabbitmq_consumer.hpp"

namespace rococo::messaging {

// Keeps the subscription in step with the room that there is.
void RabbitMqConsumer::mind_the_room(SteadyTime now) {
    room_.note_copies(desk_.bytes());
    auto& subscription = link_->subscription();
    switch (room_.advice(now, subscription.prefetch(), subscription.is_there())) {
        case RoomInHand::Advice::go_on:
            return;
        case RoomInHand::Advice::change_prefetch:
            keep(subscription.change_prefetch(room_.affordable_deliveries()));
            return;
        case RoomInHand::Advice::unsubscribe:
            keep(subscription.leave());
            return;
        case RoomInHand::Advice::subscribe:
            if (!states_.is_paused()) keep(subscription.take_up(room_.affordable_deliveries()));
            return;
    }
}

void RabbitMqConsumer::pause() {
    states_.paused(clock_.steady_now(), true);
    if (link_) keep(link_->subscription().leave());
}

void RabbitMqConsumer::resume() {
    states_.paused(clock_.steady_now(), false);
    // Without room for more, the subscription is taken up when there is.
    if (link_ && !room_.left_subscription())
        keep(link_->subscription().take_up(room_.affordable_deliveries()));
}

bool RabbitMqConsumer::awaits_messages() const {
    if (!link_ || stopping_ || states_.is_paused()) return false;
    const auto& traits = link_->traits();
    // Of a queue whose declaration is not known, this may be the standby.
    if (!traits.known || traits.single_active_consumer) return false;
    const auto held = link_->in_hand() + link_->acks_wanted() + link_->acks_on_their_way();
    return link_->subscription().is_wanted() && held < link_->prefetch() &&
           room_.may_read(clock_.steady_now());
}

void RabbitMqConsumer::reconnect(const std::string& reason) {
    if (!link_ || stopping_) return;
    // A new subscription on the same channel keeps what is in hand, and another connection mends
    // more: with nothing in hand that costs nothing.
    if (link_->in_hand() > 0 && link_->subscription().may_be_renewed() &&
        !std::exchange(subscribed_anew_, true)) {
        logger_.warning("{}; subscribing to '{}' anew", reason, settings_.queue);
        return keep(link_->subscription().renew());
    }
    lose_link({{ErrorKind::unavailable, reason}});
}

}  // namespace rococo::messaging
