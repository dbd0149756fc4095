// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_sender.hpp"

#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "aws_caller.hpp"
#include "event_loop.hpp"
#include "message_codec.hpp"
#include "send_queue.hpp"

namespace rococo::messaging {
class SqsSender::Impl {
public:
    Impl(SqsSettings settings, const Clock& clock, RandomSource random, Logger logger)
        : settings_(std::move(settings)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {}

    ~Impl() {
        if (!thread_.joinable()) return;
        thread_.request_stop();
        loop_.wake();
        thread_.join();
    }

    Result<void> send(std::string_view queue, std::span<const OutgoingMessage> messages);

private:
    /// One region's service; queues given by URL may lie elsewhere.
    struct Service {
        std::unique_ptr<sqs::AwsCaller> caller;
        std::unique_ptr<sqs::SqsApi> api;
    };

    [[nodiscard]] Result<std::vector<sqs::OutboundMessage>> encode(
        std::span<const OutgoingMessage> messages, bool fifo) const;
    void run(const std::stop_token& stop);
    void accept(const std::shared_ptr<sqs::SendJob>& job);
    Result<sqs::SendQueue*> queue_for(const std::string& queue);
    Result<Service*> service_for(const sqs::QueueAddress& address);

    SqsSettings settings_;
    RandomSource random_;
    Logger logger_;
    sqs::EventLoop loop_;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::shared_ptr<sqs::SendJob>> incoming_;

    // The thread's own. Queues use services.
    std::map<std::string, Service> services_;
    std::map<std::string, std::unique_ptr<sqs::SendQueue>> queues_;
    std::jthread thread_;
};

Result<std::vector<sqs::OutboundMessage>> SqsSender::Impl::encode(
    std::span<const OutgoingMessage> messages, bool fifo) const {
    std::vector<sqs::OutboundMessage> encoded;
    encoded.reserve(messages.size());
    for (const auto& message : messages) {
        auto one = sqs::encode_message(message, fifo);
        if (!one) return tl::unexpected(one.error());
        // SQS gives every message an id; only a FIFO queue needs one to know a repetition by.
        if (fifo && one->deduplication_id.empty()) one->deduplication_id = random_uuid(random_);
        encoded.push_back(std::move(*one));
    }
    return encoded;
}

Result<void> SqsSender::Impl::send(std::string_view queue,
                                   std::span<const OutgoingMessage> messages) {
    if (messages.empty()) return {};
    auto encoded = encode(messages, queue.ends_with(".fifo"));
    if (!encoded) return tl::unexpected(encoded.error());
    auto job = std::make_shared<sqs::SendJob>();
    job->queue = queue;
    job->messages = std::move(*encoded);
    job->left = job->messages.size();
    job->give_up_at = loop_.clock().steady_now() + settings_.send_timeout;
    bool done = false;
    std::unique_lock lock(mutex_);
    job->done = [this, &done] {
        const std::lock_guard inner(mutex_);
        done = true;
        changed_.notify_all();
    };
    incoming_.push_back(job);
    if (!thread_.joinable()) {
        thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
    }
    lock.unlock();
    loop_.wake();
    lock.lock();
    // The sender's thread ends every job by its deadline.
    changed_.wait(lock, [&] { return done; });
    if (job->error) return tl::unexpected(*job->error);
    return {};
}

void SqsSender::Impl::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        std::deque<std::shared_ptr<sqs::SendJob>> jobs;
        {
            const std::lock_guard lock(mutex_);
            jobs.swap(incoming_);
        }
        for (const auto& job : jobs) accept(job);
        const auto now = loop_.clock().steady_now();
        // Deadlines of jobs are looked at once a second.
        auto more_at = now + std::chrono::seconds(1);
        for (auto& [name, queue] : queues_) more_at = std::min(more_at, queue->pump(now));
        loop_.turn(more_at);
    }
    services_.clear();  // The calls under way with them.
}

void SqsSender::Impl::accept(const std::shared_ptr<sqs::SendJob>& job) {
    auto queue = queue_for(job->queue);
    if (queue) {
        (*queue)->add(job);
        return;
    }
    job->error = queue.error();
    job->done();
}

Result<SqsSender::Impl::Service*> SqsSender::Impl::service_for(const sqs::QueueAddress& address) {
    auto& service = services_[address.region];
    if (!service.caller) {
        auto caller =
            sqs::AwsCaller::create(loop_, settings_, address.region, address.url, random_, logger_);
        if (!caller) return tl::unexpected(caller.error());
        service.caller = std::move(*caller);
        service.api = std::make_unique<sqs::SqsApi>(*service.caller, settings_);
    }
    return &service;
}

Result<sqs::SendQueue*> SqsSender::Impl::queue_for(const std::string& queue) {
    if (const auto known = queues_.find(queue); known != queues_.end()) return known->second.get();
    const auto address = sqs::parse_queue_address(queue);
    if (!address) return tl::unexpected(address.error());
    const auto service = service_for(*address);
    if (!service) return tl::unexpected(service.error());
    auto found = sqs::find_or_create(*(*service)->api, *address, settings_, logger_);
    if (!found) return tl::unexpected(found.error());
    auto added = std::make_unique<sqs::SendQueue>(*(*service)->api, *found, settings_, random_);
    return (queues_[queue] = std::move(added)).get();
}

SqsSender::SqsSender(SqsSettings settings, const Clock& clock, RandomSource random, Logger logger)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, std::move(random), logger)) {}

SqsSender::~SqsSender() = default;

Result<void> SqsSender::send(std::string_view queue, std::span<const OutgoingMessage> messages) {
    return impl_->send(queue, messages);
}

}  // namespace rococo::messaging
