// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_inspector.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "amqp_link.hpp"
#include "any_host.hpp"
#include "delay_queue.hpp"
#include "queue_declaration.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kInspectChannel = 1;
constexpr std::chrono::milliseconds kPatience{3'000};
constexpr std::chrono::hours kLookForAllEvery{1};

}  // namespace

class RabbitMqInspector::Impl {
public:
    Impl(RabbitMqSettings settings, std::shared_ptr<DelayQueuesInUse> in_use, const Clock& clock)
        : settings_(std::move(settings)), in_use_(std::move(in_use)), clock_(clock) {
        settings_.connect_timeout = std::min(settings_.connect_timeout, kPatience);
        settings_.request_timeout = std::min(settings_.request_timeout, kPatience);
    }
    ~Impl() { close(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Result<QueueCounts> counts(const std::string& queue);

private:
    /// The delay queues of one queue.
    struct Delays {
        std::set<std::string> existing;
        SteadyTime look_for_all_at = SteadyTime::min();
    };

    /// What the broker says of a queue.
    struct Answer {
        bool exists = false;
        std::optional<std::uint64_t> ready;  ///< Empty where it refuses to tell.
    };

    AmqpResult<void> connect();
    void close();
    void drop();
    [[nodiscard]] bool passes_for_heartbeat(SteadyTime now) const;
    AmqpResult<QueueCounts> ask(const std::string& queue);
    AmqpResult<std::optional<std::uint64_t>> ask_for_retries(const std::string& queue);
    AmqpResult<Answer> look(const std::string& queue);

    RabbitMqSettings settings_;
    std::shared_ptr<DelayQueuesInUse> in_use_;
    const Clock& clock_;
    std::mutex mutex_;
    std::unique_ptr<AmqpLink> link_;
    std::unique_ptr<QueueDeclarer> declarer_;
    SteadyTime asked_at_ = SteadyTime::min();
    std::map<std::string, Delays> delays_;  // By the queue that they return to.
};

AmqpResult<void> RabbitMqInspector::Impl::connect() {
    if (link_) return {};
    ROCOCO_ASSIGN_OR_RETURN(link_, on_any_host(settings_, [this](const RabbitMqAddress& address) {
                                return AmqpLink::connect(settings_, address, "counts");
                            }));
    declarer_ = std::make_unique<QueueDeclarer>(*link_, kInspectChannel);
    return {};
}

void RabbitMqInspector::Impl::close() {
    if (link_) link_->close();
    drop();
}

void RabbitMqInspector::Impl::drop() {
    declarer_.reset();
    link_.reset();
}

// The broker closes a connection that has been silent for two of its heartbeats.
bool RabbitMqInspector::Impl::passes_for_heartbeat(SteadyTime now) const {
    const auto heartbeat =
        link_ ? std::chrono::seconds(amqp_get_heartbeat(link_->state())) : settings_.heartbeat;
    return heartbeat.count() == 0 || now - heartbeat < asked_at_;
}

AmqpResult<RabbitMqInspector::Impl::Answer> RabbitMqInspector::Impl::look(
    const std::string& queue) {
    const auto answer = declarer_->inspect(queue);
    if (answer) return Answer{true, *answer};
    if (!answer.error().channel_only) return tl::unexpected(answer.error());
    if (answer.error().reply_code == kNotFound) return Answer{false, 0};
    return Answer{true, std::nullopt};
}

AmqpResult<std::optional<std::uint64_t>> RabbitMqInspector::Impl::ask_for_retries(
    const std::string& queue) {
    auto& delays = delays_[queue];
    std::set<std::string> candidates = delays.existing;
    const bool all = clock_.steady_now() >= delays.look_for_all_at;
    const auto used = in_use_->all();
    for (const auto step : delay_steps()) {
        auto name = delay_queue_name(queue, step);
        if (all || used.contains(name)) candidates.insert(std::move(name));
    }
    std::optional<std::uint64_t> sum = 0;
    std::set<std::string> existing;
    for (const auto& name : candidates) {
        ROCOCO_ASSIGN_OR_RETURN(const auto answer, look(name));
        if (answer.exists) existing.insert(name);
        // A sum that lacks a part would look like good news.
        sum = sum && answer.ready ? std::optional(*sum + *answer.ready) : std::nullopt;
    }
    delays.existing = std::move(existing);
    if (all) delays.look_for_all_at = clock_.steady_now() + kLookForAllEvery;
    return sum;
}

AmqpResult<QueueCounts> RabbitMqInspector::Impl::ask(const std::string& queue) {
    ROCOCO_TRY(connect());
    QueueCounts counts;
    ROCOCO_ASSIGN_OR_RETURN(const auto work, look(queue));
    ROCOCO_ASSIGN_OR_RETURN(counts.retry, ask_for_retries(queue));
    ROCOCO_ASSIGN_OR_RETURN(const auto dead, look(dead_letter_queue_name(queue)));
    counts.ready = work.ready;
    counts.dead_letters = dead.ready;
    return counts;
}

Result<QueueCounts> RabbitMqInspector::Impl::counts(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    const bool kept = passes_for_heartbeat(now);
    if (!kept) close();
    const bool was_open = link_ != nullptr;
    auto counts = ask(queue);
    // One that was kept may have been lost meanwhile, which says nothing about the broker now.
    if (!counts && was_open) {
        drop();
        counts = ask(queue);
    }
    asked_at_ = now;
    if (!counts) drop();
    if (!kept) close();
    if (!counts) return tl::unexpected(std::move(counts.error().error));
    return *counts;
}

RabbitMqInspector::RabbitMqInspector(RabbitMqSettings settings,
                                     std::shared_ptr<DelayQueuesInUse> in_use, const Clock& clock)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(in_use), clock)) {}
RabbitMqInspector::~RabbitMqInspector() = default;

Result<QueueCounts> RabbitMqInspector::counts(const std::string& queue) {
    return impl_->counts(queue);
}

}  // namespace rococo::messaging
