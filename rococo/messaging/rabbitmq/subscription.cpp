// SPDX-License-Identifier: MIT
#include "subscription.hpp"

#include <amqp_framing.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr std::size_t kMostPrefetch = 65'535;  // AMQP 0-9-1: a short; 0 would mean unlimited.

std::uint16_t prefetch_field(std::size_t prefetch) {
    return static_cast<std::uint16_t>(std::clamp<std::size_t>(prefetch, 1, kMostPrefetch));
}

}  // namespace

std::string Subscription::next_tag() {
    return fmt::format("{} {}", settings_.connection_name.substr(0, 200), ++count_);
}

// Per consumer (global = false): it binds consumers that come after, and quorum queues know no
// other. So it is set again before every subscription.
AmqpResult<void> Subscription::set_prefetch(const char* request) {
    amqp_connection_state_t state = link_.state();
    amqp_basic_qos(state, kConsumeChannel, 0, prefetch_field(sent_prefetch_), 0);
    return result_of(state, kConsumeChannel, amqp_get_rpc_reply(state), request);
}

AmqpResult<void> Subscription::begin(std::size_t prefetch) {
    prefetch_ = sent_prefetch_ = prefetch;
    ROCOCO_TRY(set_prefetch("set the prefetch"));
    tag_ = next_tag();
    amqp_connection_state_t state = link_.state();
    amqp_basic_consume(state, kConsumeChannel, bytes_of(settings_.queue), bytes_of(tag_),
                       /*no_local=*/0, /*no_ack=*/0, /*exclusive=*/0, amqp_empty_table);
    return result_of(state, kConsumeChannel, amqp_get_rpc_reply(state),
                     fmt::format("consume '{}'", settings_.queue));
}

AmqpResult<void> Subscription::send(amqp_method_number_t method, void* fields) {
    const int status = amqp_send_method(link_.state(), kConsumeChannel, method, fields);
    if (status == AMQP_STATUS_OK) return {};
    return tl::unexpected(
        failure_of_status(status, fmt::format("send {}", amqp_method_name(method))));
}

AmqpResult<void> Subscription::send_cancel(const std::string& tag) {
    step_ = Step::cancelling;
    leaving_tag_ = tag;
    if (tag_ == leaving_tag_) tag_.clear();
    amqp_basic_cancel_t fields{.consumer_tag = bytes_of(leaving_tag_), .nowait = 0};
    return send(AMQP_BASIC_CANCEL_METHOD, &fields);
}

AmqpResult<void> Subscription::send_qos(bool receipt) {
    if (!receipt) {
        step_ = Step::limiting;
        sent_prefetch_ = prefetch_;
    }
    qos_answers_.push_back(receipt);
    amqp_basic_qos_t fields{
        .prefetch_size = 0, .prefetch_count = prefetch_field(sent_prefetch_), .global = 0};
    return send(AMQP_BASIC_QOS_METHOD, &fields);
}

AmqpResult<void> Subscription::send_consume() {
    step_ = Step::consuming;
    coming_tag_ = next_tag();
    amqp_basic_consume_t fields{};
    fields.queue = bytes_of(settings_.queue);
    fields.consumer_tag = bytes_of(coming_tag_);
    return send(AMQP_BASIC_CONSUME_METHOD, &fields);
}

AmqpResult<void> Subscription::change_prefetch(std::size_t prefetch) {
    if (!may_change()) return {};
    prefetch_ = prefetch;
    // A change that is on its way takes the new number along.
    if (step_ != Step::none || !is_there() || stopping_) return {};
    return send_qos(false);
}

AmqpResult<void> Subscription::leave() {
    if (!may_be_left() || stopping_) return {};
    wanted_ = false;
    if (step_ != Step::none || !is_there()) return {};
    return send_cancel(tag_);
}

AmqpResult<void> Subscription::take_up(std::size_t prefetch) {
    if (stopping_ || wanted_) return {};
    wanted_ = true;
    prefetch_ = prefetch;
    if (step_ != Step::none || is_there()) return {};
    return send_qos(false);
}

AmqpResult<void> Subscription::stop() {
    if (std::exchange(stopping_, true)) return {};
    wanted_ = false;
    // What was asked for is answered first.
    if (step_ == Step::consuming || step_ == Step::cancelling || !is_there()) return {};
    return send_cancel(tag_);
}

AmqpResult<void> Subscription::ask_for_receipt() { return send_qos(true); }

AmqpResult<bool> Subscription::wait_for_receipt() {
    if (step_ != Step::none || !qos_answers_.empty() || stopping_) return false;
    return set_prefetch("ask the broker").map([] { return true; });
}

bool Subscription::take_receipt() {
    if (qos_answers_.empty() || !qos_answers_.front()) return false;
    qos_answers_.pop_front();
    return true;
}

AmqpResult<void> Subscription::qos_ok() {
    if (qos_answers_.empty()) return {};
    qos_answers_.pop_front();
    if (step_ != Step::limiting) return {};
    if (wanted_) return send_consume();
    step_ = Step::none;
    return is_there() ? send_cancel(tag_) : AmqpResult<void>{};
}

AmqpResult<void> Subscription::consume_ok() {
    if (step_ != Step::consuming) return {};
    step_ = Step::none;
    auto old_tag = std::exchange(tag_, std::exchange(coming_tag_, {}));
    if (!old_tag.empty()) return send_cancel(old_tag);
    if (!wanted_) return send_cancel(tag_);
    return prefetch_ == sent_prefetch_ ? AmqpResult<void>{} : send_qos(false);
}

AmqpResult<void> Subscription::cancel_ok() {
    if (step_ != Step::cancelling) return {};
    step_ = Step::none;
    leaving_tag_.clear();
    if (!wanted_) return is_there() ? send_cancel(tag_) : AmqpResult<void>{};
    return is_there() && prefetch_ == sent_prefetch_ ? AmqpResult<void>{} : send_qos(false);
}

}  // namespace rococo::messaging
