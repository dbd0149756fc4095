// SPDX-License-Identifier: MIT
#include "host_search.hpp"

#include <poll.h>

#include <utility>

#include "any_host.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

// A connection that lived so long was a good one: the next is made at once.
constexpr std::chrono::seconds kGoodConnection{30};

}  // namespace

HostSearch::HostSearch(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
                       RandomSource random, std::shared_ptr<WakeEvent> wake,
                       ConnectionStates& states)
    : settings_(settings),
      clock_(clock),
      logger_(logger),
      random_(std::move(random)),
      backoff_(settings.backoff_first, settings.backoff_limit),
      wake_(std::move(wake)),
      states_(states) {}

Result<void> HostSearch::begin() {
    ROCOCO_ASSIGN_OR_RETURN(addresses_, rabbitmq_addresses(settings_));
    if (settings_.queue.empty())
        return failure(ErrorKind::configuration, "RabbitMQ: no queue is named");
    if (settings_.tls.enabled && settings_.tls.insecure) {
        logger_.warning(
            "RABBITMQ_TLS_INSECURE is set: anyone on the network between this host and RabbitMQ "
            "can read and change all messages");
    }
    return {};
}

Result<std::vector<std::string>> HostSearch::check() {
    return on_any_host(settings_, [this](const RabbitMqAddress& address) {
        auto checked = ConsumerLink::check(settings_, address);
        if (checked) addresses_ = {address};
        return checked;
    });
}

Result<HostSearch::Link> HostSearch::first(const ConsumerLink::Terms& terms) {
    for (unsigned tries = 1;; ++tries) {
        address_ = addresses_.size() - 1;
        auto link = on_any_host(settings_, [&](const RabbitMqAddress& address) {
            address_ = (address_ + 1) % addresses_.size();
            return ConsumerLink::open(settings_, address, terms);
        });
        if (link) return std::move(*link);
        auto& failure = link.error();
        // Who has the queue for itself is most likely the host that this one takes over from.
        if (failure.exclusive_elsewhere) tries = 0;
        if (failure.error.kind != ErrorKind::unavailable || tries >= settings_.connect_tries)
            return tl::unexpected(std::move(failure.error));
        const auto pause = backoff_.next_from_half(random_);
        logger_.warning("{}; trying again in {} ms", failure.error.message, pause.count());
        ::poll(nullptr, 0, static_cast<int>(pause.count()));
    }
}

void HostSearch::lost(SteadyTime connected_at, const std::string& why) {
    const auto now = clock_.steady_now();
    if (now - connected_at >= kGoodConnection) backoff_.reset();
    not_before_ = now + backoff_.next_from_half(random_);
    hopeless_tries_ = 0;
    logger_.warning("Lost the connection to {}: {}; connecting again", endpoint(), why);
}

Result<HostSearch::Link> HostSearch::next(const ConsumerLink::Terms& terms) {
    const auto now = clock_.steady_now();
    if (auto result = connecting_.take()) {
        if (*result) return std::move(**result);
        auto& error = result->error().error;
        states_.lost(now, error.message);
        // Permissions and names may be half there while a broker starts, hence several tries.
        if (error.kind != ErrorKind::unavailable &&
            ++hopeless_tries_ >= settings_.connect_tries * addresses_.size())
            return tl::unexpected(std::move(error));
        const auto pause = backoff_.next_from_half(random_);
        not_before_ = now + pause;
        logger_.warning("{}; trying again in {} ms", error.message, pause.count());
        return nullptr;
    }
    if (connecting_.running() || now < not_before_) return nullptr;
    address_ = (address_ + 1) % addresses_.size();
    states_.connecting(now);
    connecting_.start([settings = settings_, address = addresses_[address_],
                       terms] { return ConsumerLink::open(settings, address, terms); },
                      wake_);
    return nullptr;
}

std::string HostSearch::endpoint() const {
    if (!addresses_.empty()) return rabbitmq_endpoint(settings_, addresses_[address_]);
    const auto addresses = rabbitmq_addresses(settings_);  // not begun
    return rabbitmq_endpoint(
        settings_, addresses ? addresses->front() : RabbitMqAddress{settings_.hosts.front(), 0});
}

}  // namespace rococo::messaging
