// SPDX-License-Identifier: MIT
#include "rococo/messaging/rabbitmq_dead_letters.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include "amqp_link.hpp"
#include "amqp_value_text.hpp"
#include "confirmed_publisher.hpp"
#include "delay_queue.hpp"
#include "queue_declaration.hpp"
#include "rabbitmq_delivery.hpp"
#include "random_fork.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {
namespace {

constexpr amqp_channel_t kGetChannel = 1;
constexpr amqp_channel_t kDeclareChannel = 2;

std::span<const amqp_table_entry_t> headers_of(const amqp_basic_properties_t& properties) {
    if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) == 0) return {};
    return {properties.headers.entries, static_cast<std::size_t>(properties.headers.num_entries)};
}

std::string text_header(const amqp_basic_properties_t& properties, std::string_view name) {
    for (const auto& entry : headers_of(properties))
        if (view(entry.key) == name) return to_text(entry.value);
    return {};
}

/// The host's own id; else the sender's; else a digest of the body, for what others put there.
std::string id_of(const amqp_message_t& message) {
    auto own = text_header(message.properties, headers::kDeadLetterId);
    if (!own.empty()) return own;
    if ((message.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 &&
        message.properties.message_id.len > 0)
        return std::string(view(message.properties.message_id));
    return fmt::format("body-{:016x}", std::hash<std::string_view>{}(view(message.body)));
}

std::string original_queue(const amqp_basic_properties_t& properties, const std::string& fallback) {
    auto queue = text_header(properties, headers::kOriginalQueue);
    return queue.empty() || queue.size() > 255 ? fallback : queue;
}

DeadLetter to_dead_letter(const amqp_message_t& message, const std::string& queue) {
    const auto& properties = message.properties;
    DeadLetter letter;
    letter.id = id_of(message);
    letter.original_queue = original_queue(properties, queue);
    letter.reason = text_header(properties, headers::kReason);
    letter.error = text_header(properties, headers::kError);
    letter.first_failed_at = parse_utc(text_header(properties, headers::kFirstFailedAt));
    letter.last_failed_at = parse_utc(text_header(properties, headers::kLastFailedAt));
    if ((properties._flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0)
        letter.content_type = view(properties.content_type);
    letter.body = view(message.body);
    for (const auto& entry : headers_of(properties)) {
        const auto name = view(entry.key);
        if (name == headers::kAttempts) {
            letter.attempts = static_cast<std::uint32_t>(std::clamp<std::int64_t>(
                to_integer(entry.value).value_or(0), 0, RabbitMqDelivery::kMostAttempts));
        }
        const auto shown = shown_header_name(name, false);
        if (!shown.empty()) letter.headers.emplace_back(shown, to_text(entry.value));
    }
    return letter;
}

/// What becomes of the copies on their way back to their queues.
class Returns {
public:
    void sent() {
        const std::lock_guard lock(mutex_);
        ++on_their_way_;
    }
    void safe(std::uint64_t tag) {
        const std::lock_guard lock(mutex_);
        safe_tags_.push_back(tag);
        decided();
    }
    void failed(const Error& error) {
        const std::lock_guard lock(mutex_);
        error_ = error;
        decided();
    }
    /// Originals whose copies have become safe since the last call.
    std::vector<std::uint64_t> take_safe_tags() {
        const std::lock_guard lock(mutex_);
        return std::exchange(safe_tags_, {});
    }
    /// Waits until each copy is either safe or failed, but not for longer than `timeout`.
    void wait(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, timeout, [this] { return on_their_way_ == 0; });
    }
    /// Why those stay that stay.
    [[nodiscard]] Error error() const {
        const std::lock_guard lock(mutex_);
        return error_;
    }

private:
    void decided() {
        if (--on_their_way_ == 0) changed_.notify_all();
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t on_their_way_ = 0;
    std::vector<std::uint64_t> safe_tags_;
    Error error_{ErrorKind::unavailable, "RabbitMQ has not confirmed them"};
};

class ReturnedLetter final : public Publication {
public:
    ReturnedLetter(std::shared_ptr<Returns> returns, std::uint64_t tag)
        : returns_(std::move(returns)), tag_(tag) {}
    [[nodiscard]] bool wanted() const override { return true; }
    void confirmed() override { returns_->safe(tag_); }
    [[nodiscard]] bool failed(const Error& error) override {
        returns_->failed(error);
        return false;
    }

private:
    std::shared_ptr<Returns> returns_;
    std::uint64_t tag_;
};

/// The message as it was before it became a dead letter.
std::unique_ptr<MessageCopy> copy_without_history(std::shared_ptr<amqp_message_t> letter,
                                                  const RabbitMqSettings& settings) {
    auto copy = std::make_unique<MessageCopy>(letter->properties, view(letter->body),
                                              MessageCopy::Purpose::requeue, settings.user);
    for (const auto name :
         {headers::kAttempts, headers::kFirstFailedAt, headers::kLastFailedAt, headers::kError,
          headers::kReason, headers::kOriginalQueue, headers::kDeadLetterId})
        copy->remove_header(name);
    copy->keep(std::move(letter));
    return copy;
}

bool chosen(std::span<const std::string> ids, const std::string& id) {
    return ids.empty() || std::ranges::find(ids, id) != ids.end();
}

}  // namespace

class RabbitMqDeadLetters::Impl {
public:
    Impl(RabbitMqSettings settings, const Clock& clock, Logger logger, RandomSource random)
        : settings_(std::move(settings)),
          clock_(clock),
          logger_(logger),
          random_(std::move(random)),
          queue_(dead_letter_queue_name(settings_.queue)) {}

    enum class Walk { go_on, stop };
    using Visit = std::function<Walk(std::uint64_t tag, std::shared_ptr<amqp_message_t>)>;

    /// One visit to the queue: a connection on which letters are held, and given back at its end.
    class Session;

    Result<Session> open();

    const RabbitMqSettings settings_;
    const Clock& clock_;
    const Logger logger_;
    RandomSource random_;
    const std::string queue_;
};

class RabbitMqDeadLetters::Impl::Session {
public:
    Session(std::unique_ptr<AmqpLink> link, std::string queue)
        : link_(std::move(link)), queue_(std::move(queue)) {}

    [[nodiscard]] Result<std::size_t> count();
    /// Shows the letters that are there now, oldest first, and holds them.
    [[nodiscard]] Result<void> walk(const Visit& visit);
    [[nodiscard]] Result<void> acknowledge(std::uint64_t tag);
    /// Gives back what is still held, and waits until the broker has done so.
    [[nodiscard]] Result<void> finish();

private:
    [[nodiscard]] Result<std::shared_ptr<amqp_message_t>> get(std::uint64_t& tag);

    std::unique_ptr<AmqpLink> link_;
    std::string queue_;
    bool holds_ = false;
};

Result<std::size_t> RabbitMqDeadLetters::Impl::Session::count() {
    QueueDeclarer declarer(*link_, kDeclareChannel);
    auto state = declarer.inspect(queue_);
    if (state) return state->messages_ready;
    // No message was ever given up.
    if (state.error().reply_code == kNotFound) return 0;
    return tl::make_unexpected(std::move(state.error().error));
}

Result<std::shared_ptr<amqp_message_t>> RabbitMqDeadLetters::Impl::Session::get(
    std::uint64_t& tag) {
    amqp_connection_state_t state = link_->state();
    auto reply = amqp_basic_get(state, kGetChannel, bytes_of(queue_), /*no_ack=*/0);
    const auto request = fmt::format("get a message from '{}'", queue_);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return tl::make_unexpected(failure_of(state, kGetChannel, reply, request).error);
    if (reply.reply.id == AMQP_BASIC_GET_EMPTY_METHOD) return nullptr;
    tag = static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->delivery_tag;
    auto message = std::make_unique<amqp_message_t>();
    reply = amqp_read_message(state, kGetChannel, message.get(), 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return tl::make_unexpected(failure_of(state, kGetChannel, reply, request).error);
    amqp_maybe_release_buffers_on_channel(state, kGetChannel);
    holds_ = true;
    return std::shared_ptr<amqp_message_t>(message.release(), [](amqp_message_t* held) {
        amqp_destroy_message(held);
        delete held;
    });
}

Result<void> RabbitMqDeadLetters::Impl::Session::walk(const Visit& visit) {
    auto left = count();
    if (!left) return tl::make_unexpected(std::move(left.error()));
    for (; *left > 0; --*left) {
        std::uint64_t tag = 0;
        auto message = get(tag);
        if (!message) return tl::make_unexpected(std::move(message.error()));
        if (*message == nullptr || visit(tag, std::move(*message)) == Walk::stop) return {};
    }
    return {};
}

Result<void> RabbitMqDeadLetters::Impl::Session::acknowledge(std::uint64_t tag) {
    const int status = amqp_basic_ack(link_->state(), kGetChannel, tag, 0);
    if (status == AMQP_STATUS_OK) return {};
    return tl::make_unexpected(failure_of_status(status, "acknowledge").error);
}

Result<void> RabbitMqDeadLetters::Impl::Session::finish() {
    amqp_connection_state_t state = link_->state();
    // Tag 0 with `multiple` means everything held: given back in one go, it keeps its order.
    if (holds_) amqp_basic_nack(state, kGetChannel, 0, /*multiple=*/1, /*requeue=*/1);
    const auto reply = amqp_channel_close(state, kGetChannel, AMQP_REPLY_SUCCESS);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL)
        return tl::make_unexpected(
            failure_of(state, kGetChannel, reply, "give back the messages").error);
    link_->close();
    return {};
}

Result<RabbitMqDeadLetters::Impl::Session> RabbitMqDeadLetters::Impl::open() {
    auto addresses = rabbitmq_addresses(settings_);
    if (!addresses) return tl::make_unexpected(std::move(addresses.error()));
    std::optional<Error> first;
    for (const auto& address : *addresses) {
        auto link = AmqpLink::connect(settings_, address, "dead letters");
        AmqpResult<void> opened;
        if (link) opened = (*link)->open_channel(kGetChannel);
        if (link && opened) return Session(std::move(*link), queue_);
        if (!first) first = link ? opened.error().error : link.error().error;
    }
    return tl::make_unexpected(std::move(*first));
}

RabbitMqDeadLetters::RabbitMqDeadLetters(RabbitMqSettings settings, const Clock& clock,
                                         Logger logger, RandomSource random)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, logger, std::move(random))) {}
RabbitMqDeadLetters::~RabbitMqDeadLetters() = default;

Result<std::size_t> RabbitMqDeadLetters::count() {
    auto session = impl_->open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    auto count = session->count();
    auto finished = session->finish();
    if (count && !finished) return tl::make_unexpected(std::move(finished.error()));
    return count;
}

Result<std::vector<DeadLetter>> RabbitMqDeadLetters::list(std::size_t limit) {
    std::vector<DeadLetter> letters;
    if (limit == 0) return letters;
    auto session = impl_->open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    auto walked = session->walk([&](std::uint64_t, const std::shared_ptr<amqp_message_t>& message) {
        letters.push_back(to_dead_letter(*message, impl_->settings_.queue));
        return letters.size() < limit ? Impl::Walk::go_on : Impl::Walk::stop;
    });
    if (walked) walked = session->finish();
    if (!walked) return tl::make_unexpected(std::move(walked.error()));
    return letters;
}

Result<std::optional<DeadLetter>> RabbitMqDeadLetters::find(std::string_view id) {
    auto session = impl_->open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    std::optional<DeadLetter> found;
    auto walked = session->walk([&](std::uint64_t, const std::shared_ptr<amqp_message_t>& message) {
        if (id_of(*message) != id) return Impl::Walk::go_on;
        found = to_dead_letter(*message, impl_->settings_.queue);
        return Impl::Walk::stop;
    });
    if (walked) walked = session->finish();
    if (!walked) return tl::make_unexpected(std::move(walked.error()));
    return found;
}

Result<std::size_t> RabbitMqDeadLetters::remove(std::span<const std::string> ids) {
    auto session = impl_->open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    std::size_t removed = 0;
    Result<void> acknowledged;
    auto walked =
        session->walk([&](std::uint64_t tag, const std::shared_ptr<amqp_message_t>& message) {
            if (!chosen(ids, id_of(*message))) return Impl::Walk::go_on;
            acknowledged = session->acknowledge(tag);
            if (acknowledged) ++removed;
            return acknowledged ? Impl::Walk::go_on : Impl::Walk::stop;
        });
    if (walked) walked = std::move(acknowledged);
    if (walked) walked = session->finish();
    if (!walked) return tl::make_unexpected(std::move(walked.error()));
    return removed;
}

Result<std::size_t> RabbitMqDeadLetters::requeue(std::span<const std::string> ids) {
    auto session = impl_->open();
    if (!session) return tl::make_unexpected(std::move(session.error()));
    ConfirmedPublisher publisher(impl_->settings_, impl_->clock_, impl_->logger_,
                                 fork_random(impl_->random_), "requeue");
    const auto returns = std::make_shared<Returns>();
    std::size_t sent = 0;
    std::size_t returned = 0;
    // A letter leaves once its copy is safe. Not all of them at the end: where the command is
    // broken off, what is safe and has not left is there twice.
    const auto acknowledge_safe = [&]() -> Result<void> {
        for (const auto tag : returns->take_safe_tags()) {
            if (auto acknowledged = session->acknowledge(tag); !acknowledged) return acknowledged;
            ++returned;
        }
        return {};
    };
    Result<void> acknowledged;
    auto walked = session->walk([&](std::uint64_t tag, std::shared_ptr<amqp_message_t> message) {
        if (!chosen(ids, id_of(*message))) return Impl::Walk::go_on;
        auto publication = std::make_unique<ReturnedLetter>(returns, tag);
        publication->queue = work_queue(
            impl_->settings_, original_queue(message->properties, impl_->settings_.queue));
        publication->message = copy_without_history(std::move(message), impl_->settings_);
        ConfirmedPublisher::Publications one;
        one.push_back(std::move(publication));
        returns->sent();
        publisher.submit(std::move(one));
        ++sent;
        acknowledged = acknowledge_safe();
        return acknowledged ? Impl::Walk::go_on : Impl::Walk::stop;
    });
    if (walked) walked = std::move(acknowledged);
    if (walked) {
        returns->wait(impl_->settings_.send_timeout);
        walked = acknowledge_safe();
    }
    if (walked) walked = session->finish();
    if (!walked) return tl::make_unexpected(std::move(walked.error()));
    if (returned == sent) return returned;
    const auto error = returns->error();
    return failure(error.kind, fmt::format("{} of {} dead letters went back, the others stay: {}",
                                           returned, sent, error.message));
}

}  // namespace rococo::messaging
