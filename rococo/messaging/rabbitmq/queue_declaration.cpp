// SPDX-License-Identifier: MIT
#include "queue_declaration.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "delay_queue.hpp"

namespace rococo::messaging {
namespace {

amqp_table_entry_t text_argument(const char* key, std::string_view value) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_UTF8;
    entry.value.value.bytes = bytes_of(value);
    return entry;
}

amqp_table_entry_t number_argument(const char* key, std::int64_t value) {
    amqp_table_entry_t entry{};
    entry.key = amqp_cstring_bytes(key);
    entry.value.kind = AMQP_FIELD_KIND_I64;
    entry.value.value.i64 = value;
    return entry;
}

using Arguments = std::vector<amqp_table_entry_t>;

/// `reliable`: a quorum queue that keeps a message until the queue it goes to has confirmed it. A
/// classic one forgets it as soon as it is on its way, so a broker's crash may lose it.
Arguments delay_arguments(const QueueSpec& spec, bool reliable) {
    Arguments arguments{number_argument("x-message-ttl", spec.delay.count()),
                        number_argument("x-expires", delay_queue_expiry(spec.delay).count()),
                        text_argument("x-dead-letter-exchange", ""),
                        text_argument("x-dead-letter-routing-key", spec.returns_to)};
    if (reliable) {
        arguments.push_back(text_argument("x-queue-type", "quorum"));
        arguments.push_back(text_argument("x-dead-letter-strategy", "at-least-once"));
        arguments.push_back(text_argument("x-overflow", "reject-publish"));
    }
    return arguments;
}

Arguments plain_arguments(const QueueSpec& spec) {
    Arguments arguments;
    if (spec.type == RabbitMqQueueType::quorum)
        arguments.push_back(text_argument("x-queue-type", "quorum"));
    if (spec.role == QueueRole::work && spec.max_priority > 0)
        arguments.push_back(number_argument("x-max-priority", spec.max_priority));
    return arguments;
}

amqp_table_t table_of(Arguments& arguments) {
    return {.num_entries = static_cast<int>(arguments.size()), .entries = arguments.data()};
}

}  // namespace

QueueSpec work_queue(const RabbitMqSettings& settings, std::string name) {
    return {.name = std::move(name),
            .role = QueueRole::work,
            .type = settings.queue_type,
            .max_priority = settings.max_priority,
            .delay = {},
            .returns_to = {}};
}

AmqpResult<void> QueueDeclarer::open() {
    if (open_) return {};
    auto opened = link_.open_channel(channel_);
    open_ = opened.has_value();
    return opened;
}

AmqpResult<QueueState> QueueDeclarer::declare(const std::string& queue, bool passive,
                                              const amqp_table_t& arguments) {
    auto opened = open();
    if (!opened) return tl::make_unexpected(std::move(opened.error()));
    const auto* ok =
        amqp_queue_declare(link_.state(), channel_, bytes_of(queue), passive ? 1 : 0,
                           /*durable=*/1, /*exclusive=*/0, /*auto_delete=*/0, arguments);
    if (ok == nullptr) {
        open_ = false;
        const auto request = fmt::format("{} queue '{}'", passive ? "use" : "declare", queue);
        return tl::make_unexpected(
            failure_of(link_.state(), channel_, amqp_get_rpc_reply(link_.state()), request));
    }
    const QueueState state{ok->message_count, ok->consumer_count};
    amqp_maybe_release_buffers_on_channel(link_.state(), channel_);
    return state;
}

AmqpResult<QueueState> QueueDeclarer::inspect(const std::string& queue) {
    return declare(queue, true, amqp_empty_table);
}

AmqpResult<void> QueueDeclarer::declare_active(const QueueSpec& spec) {
    if (spec.role != QueueRole::delay) {
        auto arguments = plain_arguments(spec);
        auto declared = declare(spec.name, false, table_of(arguments));
        if (!declared) return tl::make_unexpected(std::move(declared.error()));
        return {};
    }
    auto arguments = delay_arguments(spec, true);
    auto declared = declare(spec.name, false, table_of(arguments));
    if (!declared && declared.error().channel_only &&
        declared.error().reply_code != kAccessRefused) {
        // A broker before 3.10 knows no such quorum queues.
        auto classic = delay_arguments(spec, false);
        declared = declare(spec.name, false, table_of(classic));
    }
    if (!declared) return tl::make_unexpected(std::move(declared.error()));
    return {};
}

AmqpResult<void> QueueDeclarer::ensure(const QueueSpec& spec) {
    auto declared = declare_active(spec);
    if (declared || !declared.error().channel_only) return declared;
    const auto code = declared.error().reply_code;
    if (code != kPreconditionFailed && code != kAccessRefused) return declared;
    auto existing = inspect(spec.name);
    if (existing) return {};
    // What is absent and may not be declared: the refusal says more than "not found".
    if (existing.error().reply_code == kNotFound) {
        declared.error().error.kind = ErrorKind::configuration;
        return declared;
    }
    return tl::make_unexpected(std::move(existing.error()));
}

}  // namespace rococo::messaging
