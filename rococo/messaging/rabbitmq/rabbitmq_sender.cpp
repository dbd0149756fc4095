// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

#include "amqp_link.hpp"
#include "any_host.hpp"
#include "confirmed_publisher.hpp"
#include "message_copy.hpp"
#include "rococo/base/duration_text.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kInspectChannel = 1;
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

Result<void> check_lengths(std::string_view queue, const OutgoingMessage& message) {
    const auto refuse = [](std::string_view what, std::size_t bytes) {
        return failure(ErrorKind::usage, fmt::format("{} has {} bytes; AMQP allows 1 to {}", what,
                                                     bytes, kMostShortBytes));
    };
    if (queue.empty() || queue.size() > kMostShortBytes)
        return refuse("The name of the queue", queue.size());
    const std::array<std::pair<std::string_view, std::size_t>, 7> properties{
        {{"The id of a message", message.id.size()},
         {"The content type of a message", message.content_type.size()},
         {"The content encoding of a message", message.content_encoding.size()},
         {"The correlation id of a message", message.correlation_id.size()},
         {"The reply-to of a message", message.reply_to.size()},
         {"The type of a message", message.type.size()},
         {"The application id of a message", message.app_id.size()}}};
    for (const auto& [what, bytes] : properties)
        if (bytes > kMostShortBytes) return refuse(what, bytes);
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
    Result<bool> has_queue(const std::string& queue);

private:
    [[nodiscard]] bool wait_for(Batch& batch, std::unique_lock<std::mutex>& lock);
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
    std::string id = message.id;
    if (id.empty()) {
        const std::lock_guard lock(random_mutex_);
        id = random_uuid(random_);
    }
    copy->set_properties(message, std::move(id), clock_.now());
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
    const bool done = wait_for(*batch, lock);
    if (batch->left == 0) return {};
    batch->abandoned.store(true);
    const auto why = batch->error ? batch->error->message : "RabbitMQ has not confirmed";
    if (done) return failure(batch->error->kind, why);
    if (!publisher_.was_connected())
        return failure(ErrorKind::unavailable,
                       fmt::format("Nothing was sent to '{}': {}", queue, why));
    return failure(
        ErrorKind::unavailable,
        fmt::format("Sending to '{}': {} of {} messages not confirmed after {}: {}", queue,
                    batch->left, messages.size(), format_duration(settings_.send_timeout), why));
}

// True once it is decided; false where the time is over before that.
bool RabbitMqSender::Impl::wait_for(Batch& batch, std::unique_lock<std::mutex>& lock) {
    const auto decided = [&batch] { return batch.left == 0 || batch.refused; };
    const auto start = std::chrono::steady_clock::now();
    if (const auto first = settings_.first_send_timeout; first.count() > 0) {
        if (batch.changed.wait_until(lock, start + first, decided)) return true;
        if (!publisher_.was_connected()) return false;
    }
    return batch.changed.wait_until(lock, start + settings_.send_timeout, decided);
}

Result<bool> RabbitMqSender::Impl::has_queue(const std::string& queue) {
    auto has = on_any_host(settings_, [&](const RabbitMqAddress& address) -> AmqpResult<bool> {
        auto link = AmqpLink::connect(settings_, address, "check");
        if (!link) return tl::make_unexpected(std::move(link.error()));
        auto state = QueueDeclarer(**link, kInspectChannel).inspect(queue);
        (*link)->close();
        if (state) return true;
        // One that belongs to another connection exists, though the broker refuses to tell of it.
        if (state.error().channel_only) return state.error().reply_code != kNotFound;
        return tl::make_unexpected(std::move(state.error()));
    });
    if (!has) return tl::make_unexpected(std::move(has.error().error));
    return *has;
}

RabbitMqSender::RabbitMqSender(RabbitMqSettings settings, const Clock& clock, Logger logger,
                               RandomSource random)  // NOLINT(performance-unnecessary-value-param)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, logger, random)) {}
RabbitMqSender::~RabbitMqSender() = default;
Result<void> RabbitMqSender::send(std::string_view queue,
                                  std::span<const OutgoingMessage> messages) {
    return impl_->send(queue, messages);
}
Result<bool> RabbitMqSender::has_queue(const std::string& queue) { return impl_->has_queue(queue); }

}  // namespace rococo::messaging
