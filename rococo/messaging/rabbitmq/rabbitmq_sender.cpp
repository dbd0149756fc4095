// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq_sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "amqp_link.hpp"
#include "confirmed_publisher.hpp"
#include "message_copy.hpp"
#include "random_fork.hpp"

namespace rococo::messaging {
namespace {

constexpr std::size_t kMostShortBytes = 255;  // AMQP 0-9-1, shortstr.

/// What one call of `send` waits for.
struct Batch {
    std::atomic<bool> abandoned{false};
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left = 0;
    bool refused = false;
    std::optional<Error> error;  // The latest.
};

class SentMessage final : public Publication {
public:
    explicit SentMessage(std::shared_ptr<Batch> batch) : batch_(std::move(batch)) {}

    [[nodiscard]] bool wanted() const override { return !batch_->abandoned.load(); }
    void confirmed() override {
        const std::lock_guard lock(batch_->mutex);
        if (--batch_->left == 0) batch_->changed.notify_all();
    }
    [[nodiscard]] bool failed(const Error& error) override {
        const std::lock_guard lock(batch_->mutex);
        batch_->error = error;
        if (error.kind == ErrorKind::unavailable) return wanted();
        batch_->refused = true;
        batch_->changed.notify_all();
        return false;
    }

private:
    std::shared_ptr<Batch> batch_;
};

/// A random UUID (RFC 4122, version 4).
std::string make_uuid(const RandomSource& random) {
    const auto high = (random() & 0xffffffffffff0fffU) | 0x0000000000004000U;
    const auto low = (random() & 0x3fffffffffffffffU) | 0x8000000000000000U;
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffffU,
                       high & 0xffffU, low >> 48, low & 0xffffffffffffU);
}

Result<void> check_lengths(std::string_view queue, const OutgoingMessage& message) {
    const auto refuse = [](std::string_view what, std::size_t bytes) {
        return failure(ErrorKind::usage, fmt::format("{} has {} bytes; AMQP allows 1 to {}", what,
                                                     bytes, kMostShortBytes));
    };
    if (queue.empty() || queue.size() > kMostShortBytes)
        return refuse("The name of the queue", queue.size());
    if (message.id.size() > kMostShortBytes)
        return refuse("The id of a message", message.id.size());
    if (message.content_type.size() > kMostShortBytes)
        return refuse("The content type of a message", message.content_type.size());
    if (message.correlation_id.size() > kMostShortBytes)
        return refuse("The correlation id of a message", message.correlation_id.size());
    for (const auto& [name, value] : message.headers)
        if (name.empty() || name.size() > kMostShortBytes)
            return refuse("The name of a header", name.size());
    return {};
}

}  // namespace

class RabbitMqSender::Impl {
public:
    Impl(RabbitMqSettings settings, const Clock& clock, Logger logger, const RandomSource& random)
        : settings_(std::move(settings)),
          clock_(clock),
          random_(fork_random(random)),
          publisher_(settings_, clock, logger, fork_random(random), "sender") {}

    Result<void> send(std::string_view queue, std::span<const OutgoingMessage> messages);
    Result<void> check();

private:
    [[nodiscard]] std::unique_ptr<Publication> publication_of(std::string_view queue,
                                                              const OutgoingMessage& message,
                                                              const std::shared_ptr<Batch>& batch);

    const RabbitMqSettings settings_;
    const Clock& clock_;
    std::mutex random_mutex_;
    RandomSource random_;
    ConfirmedPublisher publisher_;
};

std::unique_ptr<Publication> RabbitMqSender::Impl::publication_of(
    std::string_view queue, const OutgoingMessage& message, const std::shared_ptr<Batch>& batch) {
    auto publication = std::make_unique<SentMessage>(batch);
    publication->queue = work_queue(settings_, std::string(queue));
    // A copy, since the caller may give up while the publisher is still at it.
    auto body = std::make_shared<std::string>(message.body);
    auto copy = std::make_unique<MessageCopy>(*body);
    copy->keep(std::move(body));
    if (message.id.empty()) {
        const std::lock_guard lock(random_mutex_);
        copy->set_message_id(make_uuid(random_));
    } else {
        copy->set_message_id(message.id);
    }
    if (!message.content_type.empty()) copy->set_content_type(message.content_type);
    if (!message.correlation_id.empty()) copy->set_correlation_id(message.correlation_id);
    copy->set_timestamp(clock_.now());
    for (const auto& [name, value] : message.headers) copy->set_header(name, value);
    publication->message = std::move(copy);
    return publication;
}

Result<void> RabbitMqSender::Impl::send(std::string_view queue,
                                        std::span<const OutgoingMessage> messages) {
    if (messages.empty()) return {};
    auto addresses = rabbitmq_addresses(settings_);
    if (!addresses) return tl::make_unexpected(std::move(addresses.error()));
    const auto batch = std::make_shared<Batch>();
    batch->left = messages.size();
    ConfirmedPublisher::Publications publications;
    publications.reserve(messages.size());
    for (const auto& message : messages) {
        auto fine = check_lengths(queue, message);
        if (!fine) return fine;
        publications.push_back(publication_of(queue, message, batch));
    }
    publisher_.submit(std::move(publications));

    std::unique_lock lock(batch->mutex);
    const bool done = batch->changed.wait_for(
        lock, settings_.send_timeout, [&batch] { return batch->left == 0 || batch->refused; });
    if (batch->left == 0) return {};
    batch->abandoned.store(true);
    const auto why = batch->error ? batch->error->message : "RabbitMQ has not confirmed";
    if (done) return failure(batch->error->kind, why);
    return failure(
        ErrorKind::unavailable,
        fmt::format("Sending to '{}': {} of {} messages not confirmed after {} ms: {}", queue,
                    batch->left, messages.size(), settings_.send_timeout.count(), why));
}

Result<void> RabbitMqSender::Impl::check() {
    auto addresses = rabbitmq_addresses(settings_);
    if (!addresses) return tl::make_unexpected(std::move(addresses.error()));
    std::optional<Error> first;
    for (const auto& address : *addresses) {
        auto link = AmqpLink::connect(settings_, address, "check");
        if (link) {
            (*link)->close();
            return {};
        }
        if (!first) first = std::move(link.error().error);
    }
    return tl::make_unexpected(std::move(*first));
}

RabbitMqSender::RabbitMqSender(RabbitMqSettings settings, const Clock& clock, Logger logger,
                               RandomSource random)  // NOLINT(performance-unnecessary-value-param)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, logger, random)) {}
RabbitMqSender::~RabbitMqSender() = default;
Result<void> RabbitMqSender::send(std::string_view queue,
                                  std::span<const OutgoingMessage> messages) {
    return impl_->send(queue, messages);
}
Result<void> RabbitMqSender::check() { return impl_->check(); }

}  // namespace rococo::messaging
