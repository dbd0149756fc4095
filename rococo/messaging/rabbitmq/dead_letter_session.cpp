// SPDX-License-Identifier: MIT
#include "dead_letter_session.hpp"

#include <amqp_framing.h>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "amqp_properties.hpp"
#include "amqp_value_text.hpp"
#include "any_host.hpp"
#include "queue_declaration.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/try.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kGetChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;
// So many letters are copied to keep their order after some were.
constexpr std::size_t kMostForOrder = 1'000;
// So many copies are on their way at a time, at most: if the program is killed, these letters, and
// as many whose acknowledgements get lost with it, are there twice.
constexpr std::size_t kMostOnTheirWay = 500;

/// Whether it is from a queue that counts returns: a quorum queue, which says so from the first
/// delivery on.
bool counts_returns(const amqp_basic_properties_t& properties) {
    return std::ranges::any_of(headers_of(properties), [](const auto& entry) {
        return view(entry.key) == headers::kDeliveryCount;
    });
}

}  // namespace

/// What becomes of the copies on their way.
class DeadLetterSession::Copies {
public:
    struct Safe {
        std::uint64_t tag;
        bool moves;
    };

    void sent() {
        const std::lock_guard lock(mutex_);
        ++on_their_way_;
    }
    void safe(const Safe& original) {
        const std::lock_guard lock(mutex_);
        safe_.push_back(original);
        decided();
    }
    void failed(const Error& error) {
        const std::lock_guard lock(mutex_);
        error_ = error;
        decided();
    }
    /// Originals whose copies have become safe since the last call.
    std::vector<Safe> take_safe() {
        const std::lock_guard lock(mutex_);
        return std::exchange(safe_, {});
    }
    /// Waits until each copy but `most` is either safe or failed; false after `timeout`.
    bool wait(std::chrono::milliseconds timeout, std::size_t most = 0) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, timeout, [&] { return on_their_way_ <= most; });
    }
    [[nodiscard]] std::size_t undecided() const {
        const std::lock_guard lock(mutex_);
        return on_their_way_;
    }
    /// Why those stay that stay.
    [[nodiscard]] Error error() const {
        const std::lock_guard lock(mutex_);
        return error_;
    }

private:
    void decided() {
        --on_their_way_;
        changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t on_their_way_ = 0;
    std::vector<Safe> safe_;
    Error error_{ErrorKind::unavailable, "RabbitMQ does not confirm them"};
};

class DeadLetterSession::Copy final : public Publication {
public:
    Copy(std::shared_ptr<Copies> copies, Copies::Safe original)
        : copies_(std::move(copies)), original_(original) {}
    [[nodiscard]] bool wanted() const override { return true; }
    void confirmed() override { copies_->safe(original_); }
    [[nodiscard]] bool failed(const Error& error) override {
        copies_->failed(error);
        return false;
    }

private:
    std::shared_ptr<Copies> copies_;
    Copies::Safe original_;
};

Result<std::unique_ptr<DeadLetterSession>> DeadLetterSession::open(const RabbitMqSettings& settings,
                                                                   std::string queue,
                                                                   const Clock& clock,
                                                                   Logger logger,
                                                                   const RandomSource& random) {
    const auto connect = [&settings](const RabbitMqAddress& address) {
        return AmqpLink::connect(settings, address, "dead letters", kGetChannel);
    };
    ROCOCO_ASSIGN_OR_RETURN(auto link, on_any_host(settings, connect));
    return std::unique_ptr<DeadLetterSession>(
        new DeadLetterSession(std::move(link), settings, std::move(queue), clock, logger, random));
}

DeadLetterSession::DeadLetterSession(std::unique_ptr<AmqpLink> link,
                                     const RabbitMqSettings& settings, std::string queue,
                                     const Clock& clock, Logger logger, const RandomSource& random)
    : link_(std::move(link)),
      settings_(settings),
      queue_(std::move(queue)),
      logger_(logger),
      copies_(std::make_shared<Copies>()),
      publisher_(settings, clock, logger, fork_random(random), "dead letters' copies") {}

Result<std::size_t> DeadLetterSession::count() {
    QueueDeclarer declarer(*link_, kDeclareChannel);
    auto state = declarer.inspect(queue_);
    if (state) return *state;
    // No message was ever given up.
    if (state.error().reply_code == kNotFound) return 0;
    return tl::unexpected(std::move(state.error()));
}

Result<void> DeadLetterSession::walk(const Visit& visit) {
    // Only those that are there now: what is moved or copied may come back behind them.
    ROCOCO_ASSIGN_OR_RETURN(auto left, count());
    bool visiting = true;
    for (; left > 0; --left) {
        std::uint64_t tag = 0;
        ROCOCO_ASSIGN_OR_RETURN(auto letter, link_->get(kGetChannel, queue_, tag));
        if (letter == nullptr) return {};
        holds_ = true;
        const auto stays = [&] {
            return leave(tag, std::move(letter)).map([] { return Walk::stop; });
        };
        ROCOCO_ASSIGN_OR_RETURN(const auto next,
                                visiting ? visit(tag, std::move(letter)) : stays());
        ROCOCO_TRY(acknowledge_safe());
        visiting = visiting && next == Walk::go_on;
        // Copies stand behind the others: with all of them copied, the order is as it was.
        const bool order_matters = to_copy_ > 0 && left <= kMostForOrder;
        if (!visiting && !order_matters) return {};
    }
    return {};
}

Result<void> DeadLetterSession::leave(std::uint64_t tag, ReceivedLetter letter) {
    if (!counts_returns(letter->properties)) return {};
    // At once, not at the end: should this program be ended in between, the queue counts a return
    // only of those that it still holds.
    auto copy = std::make_unique<MessageCopy>(letter->properties, view(letter->body),
                                              MessageCopy::Purpose::same, settings_.user);
    copy->keep(std::move(letter));
    ++to_copy_;
    auto target = dead_letter_queue(settings_, settings_.queue);
    return publish(tag, std::move(target), std::move(copy), false);
}

Result<void> DeadLetterSession::move(std::uint64_t tag, QueueSpec target,
                                     std::unique_ptr<MessageCopy> copy) {
    ++to_move_;
    return publish(tag, std::move(target), std::move(copy), true);
}

Result<void> DeadLetterSession::publish(std::uint64_t tag, QueueSpec target,
                                        std::unique_ptr<MessageCopy> copy, bool moves) {
    const bool room = copies_->wait(settings_.send_timeout, kMostOnTheirWay - 1);
    ROCOCO_TRY(acknowledge_safe());
    if (!room) return tl::unexpected(copies_->error());
    auto publication = std::make_unique<Copy>(copies_, Copies::Safe{tag, moves});
    publication->queue = std::move(target);
    publication->message = std::move(copy);
    ConfirmedPublisher::Publications one;
    one.push_back(std::move(publication));
    copies_->sent();
    publisher_.submit(std::move(one));
    return {};
}

Result<void> DeadLetterSession::remove(std::uint64_t tag) {
    ROCOCO_TRY(result_of(amqp_basic_ack(link_->state(), kGetChannel, tag, 0), "acknowledge"));
    return {};
}

// A letter leaves as soon as its copy is safe, not all of them at the end: where the command is
// broken off, what is safe and has not left is there twice.
Result<void> DeadLetterSession::acknowledge_safe() {
    for (const auto& original : copies_->take_safe()) {
        ROCOCO_TRY(remove(original.tag));
        ++(original.moves ? moved_ : copied_);
    }
    return {};
}

Result<void> DeadLetterSession::finish() {
    copies_->wait(settings_.send_timeout);
    ROCOCO_TRY(acknowledge_safe());
    amqp_connection_state_t state = link_->state();
    // Tag 0 with `multiple` means everything held: given back in one go, it keeps its order.
    if (holds_) amqp_basic_nack(state, kGetChannel, 0, /*multiple=*/1, /*requeue=*/1);
    const auto reply = amqp_channel_close(state, kGetChannel, AMQP_REPLY_SUCCESS);
    ROCOCO_TRY(result_of(state, kGetChannel, reply, "give back the messages"));
    link_->close();
    const auto error = copies_->error();
    if (copied_ < to_copy_) {
        logger_.warning(
            "{} could not be copied and went back into '{}' as returned, which a quorum queue "
            "counts: {}",
            counted(to_copy_ - copied_, "dead letter"), queue_, error.message);
    }
    if (moved_ == to_move_) return {};
    return tl::unexpected(error);
}

Error DeadLetterSession::with_counts(const Error& why) const {
    if (to_move_ == 0) return why;
    const std::size_t undecided = copies_->undecided();
    return {why.kind, fmt::format("{} of {} went back, the others stay{}: {}", moved_,
                                  counted(to_move_, "dead letter"),
                                  undecided == 0
                                      ? ""
                                      : fmt::format(" ({} of them were sent but not confirmed, and "
                                                    "may be in their queue as well)",
                                                    undecided),
                                  why.message)};
}

}  // namespace rococo::messaging
