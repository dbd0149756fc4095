// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_leader_token.hpp"

#include <algorithm>
#include <utility>

#include "any_host.hpp"
#include "leader_session.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {

RabbitMqLeaderToken::RabbitMqLeaderToken(RabbitMqSettings settings, std::string queue,
                                         const Clock& clock)
    : settings_(std::move(settings)), queue_(std::move(queue)), clock_(clock) {}

RabbitMqLeaderToken::~RabbitMqLeaderToken() { release(); }

Result<void> RabbitMqLeaderToken::check() const {
    const auto look = [this](const RabbitMqAddress& address) {
        return Session::check(settings_, address, queue_, clock_);
    };
    ROCOCO_TRY(on_any_host(settings_, look));
    return {};
}

Error RabbitMqLeaderToken::lose(Error error) {
    // Without a good-bye, which could wait: the broker finds out at once.
    session_.reset();
    return error;
}

Result<bool> RabbitMqLeaderToken::acquire() {
    if (!session_) {
        const auto open = [this](const RabbitMqAddress& address) {
            return Session::open(settings_, address, queue_, clock_);
        };
        ROCOCO_ASSIGN_OR_RETURN(session_, on_any_host(settings_, open));
    }
    auto acquired = session_->acquire();
    if (!acquired) return tl::unexpected(lose(std::move(acquired.error().error)));
    // The queue may have been deleted meanwhile: what is known here does not go back.
    if (*acquired) position_ = std::max(position_, session_->position());
    return *acquired;
}

Result<bool> RabbitMqLeaderToken::keep() {
    if (!session_ || !session_->holds()) return false;
    auto serviced = session_->service();
    if (!serviced) return tl::unexpected(lose(std::move(serviced.error().error)));
    position_ = std::max(position_, session_->position());
    return true;
}

std::optional<std::int64_t> RabbitMqLeaderToken::position() const { return position_; }

Result<bool> RabbitMqLeaderToken::advance(std::int64_t to) {
    auto kept = keep();
    if (!kept || !*kept) return kept;
    if (position_ && to <= *position_) return false;
    return set(to);
}

Result<bool> RabbitMqLeaderToken::set_back(std::int64_t to) {
    auto kept = keep();
    if (!kept || !*kept) return kept;
    return set(to);
}

Result<bool> RabbitMqLeaderToken::set(std::int64_t to) {
    auto published = session_->publish(to);
    if (!published) return tl::unexpected(lose(std::move(published.error().error)));
    position_ = to;
    return true;
}

void RabbitMqLeaderToken::release() noexcept {
    if (session_) session_->close();
    session_.reset();
}

}  // namespace rococo::messaging
