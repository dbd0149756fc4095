// SPDX-License-Identifier: MIT
#include "queue_declaration.hpp"

#include <amqp.h>
#include <amqp_framing.h>
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "delay_queue.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging {
namespace {

// More differing arguments than a queue can have.
constexpr int kMostArguments = 24;

/// The text between `before` and `after`; none where they do not follow each other.
std::optional<std::string> between(std::string_view text, std::string_view before,
                                   std::string_view after) {
    const auto begin = text.find(before);
    if (begin == std::string_view::npos) return std::nullopt;
    const auto from = begin + before.size();
    const auto end = text.find(after, from);
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(text.substr(from, end - from));
}

}  // namespace

std::optional<InequivalentArgument> parse_inequivalent_argument(std::string_view reply_text) {
    // inequivalent arg 'NAME' for queue 'Q' in vhost 'V': received …
    auto name = between(reply_text, "inequivalent arg '", "'");
    if (!name) return std::nullopt;
    InequivalentArgument argument{std::move(*name), {}, {}};
    // … but current is the value 'VALUE' of type 'TYPE'
    const auto current = reply_text.rfind("but current is ");
    if (current == std::string_view::npos) return std::nullopt;
    const auto tail = reply_text.substr(current);
    argument.value = between(tail, "the value '", "' of type '").value_or("");
    if (!argument.value.empty()) argument.type = between(tail, "' of type '", "'").value_or("");
    // … but current is 'true'
    if (argument.value.empty())
        argument.value = between(tail, "but current is '", "'").value_or("");
    return argument;
}

/// The arguments of a declaration, with the texts that they point to.
struct QueueDeclarer::Declaration {
    bool durable = true;
    bool auto_delete = false;
    std::vector<amqp_table_entry_t> arguments;
    std::deque<std::string> texts;

    amqp_table_entry_t& entry(std::string name) {
        remove(name);
        arguments.emplace_back();
        arguments.back().key = bytes_of(texts.emplace_back(std::move(name)));
        return arguments.back();
    }
    void text(std::string name, std::string value) {
        auto& argument = entry(std::move(name));
        argument.value.kind = AMQP_FIELD_KIND_UTF8;
        argument.value.value.bytes = bytes_of(texts.emplace_back(std::move(value)));
    }
    void number(std::string name, std::int64_t value) {
        auto& argument = entry(std::move(name));
        argument.value.kind = AMQP_FIELD_KIND_I64;
        argument.value.value.i64 = value;
    }
    void boolean(std::string name, bool value) {
        auto& argument = entry(std::move(name));
        argument.value.kind = AMQP_FIELD_KIND_BOOLEAN;
        argument.value.value.boolean = value ? 1 : 0;
    }
    void remove(std::string_view name) {
        std::erase_if(arguments, [name](const auto& one) { return view(one.key) == name; });
    }
    [[nodiscard]] bool has(std::string_view name) const {
        return std::ranges::any_of(arguments,
                                   [name](const auto& one) { return view(one.key) == name; });
    }
    /// Makes it what the existing queue is, in this respect. False where that cannot be said.
    bool adopt(const InequivalentArgument& argument);
};

bool QueueDeclarer::Declaration::adopt(const InequivalentArgument& argument) {
    if (argument.name == "durable" || argument.name == "auto_delete") {
        (argument.name == "durable" ? durable : auto_delete) = argument.value == "true";
        return true;
    }
    if (argument.value.empty()) {
        const bool had = has(argument.name);
        remove(argument.name);
        return had;
    }
    if (argument.type == "longstr") {
        text(argument.name, argument.value);
    } else if (argument.type == "bool") {
        boolean(argument.name, argument.value == "true");
    } else {
        const auto value = parse_number<std::int64_t>(argument.value);
        if (!value) return false;
        number(argument.name, *value);
    }
    return true;
}

QueueSpec work_queue(const RabbitMqSettings& settings, std::string name) {
    return {.name = std::move(name),
            .role = QueueRole::work,
            .type = settings.queue_type,
            .max_priority = settings.max_priority};
}

QueueSpec dead_letter_queue(const RabbitMqSettings& settings, std::string_view queue) {
    return {.name = dead_letter_queue_name(queue),
            .role = QueueRole::dead_letter,
            .type = settings.queue_type};
}

QueueSpec delay_queue(std::string_view queue, std::chrono::milliseconds delay) {
    const auto step = round_up_delay(delay);
    return {.name = delay_queue_name(queue, step),
            .role = QueueRole::delay,
            .type = RabbitMqQueueType::quorum,
            .delay = step,
            .returns_to = std::string(queue)};
}

QueueDeclarer::Declaration QueueDeclarer::plain(const QueueSpec& spec) const {
    Declaration declaration;
    if (spec.role == QueueRole::delay) {
        // No expiry: a quorum queue with `x-expires` goes that long after it was made, with all
        // that waits in it, whatever is declared or published meanwhile (rabbitmq-server#5894).
        declaration.number("x-message-ttl", spec.delay.count());
        declaration.text("x-dead-letter-exchange", "");
        declaration.text("x-dead-letter-routing-key", spec.returns_to);
        return declaration;
    }
    if (spec.type == RabbitMqQueueType::quorum) {
        declaration.text("x-queue-type", "quorum");
        // Before 4.0 there is no limit unless one is set, and -1 is none: 3.10 drops a message with
        // it at its first return.
        if (link_.server_version_major() >= kFirstVersionWithLimit)
            declaration.number("x-delivery-limit", -1);
    }
    if (spec.role == QueueRole::work && spec.max_priority > 0)
        declaration.number("x-max-priority", spec.max_priority);
    return declaration;
}

AmqpResult<void> QueueDeclarer::open() {
    if (open_) return {};
    auto opened = link_.open_channel(channel_);
    open_ = opened.has_value();
    return opened;
}

void QueueDeclarer::close() {
    if (std::exchange(open_, false))
        amqp_channel_close(link_.state(), channel_, AMQP_REPLY_SUCCESS);
}

AmqpResult<std::uint32_t> QueueDeclarer::declare(const std::string& queue, bool passive,
                                                 const Declaration& declaration) {
    ROCOCO_TRY(open());
    auto arguments = declaration.arguments;
    const auto* ok = amqp_queue_declare(
        link_.state(), channel_, bytes_of(queue), passive ? 1 : 0, declaration.durable ? 1 : 0,
        /*exclusive=*/0, declaration.auto_delete ? 1 : 0,
        {.num_entries = static_cast<int>(arguments.size()), .entries = arguments.data()});
    if (ok == nullptr) {
        open_ = false;
        const auto request = fmt::format("{} queue '{}'", passive ? "use" : "declare", queue);
        return tl::unexpected(
            failure_of(link_.state(), channel_, amqp_get_rpc_reply(link_.state()), request));
    }
    const std::uint32_t messages_ready = ok->message_count;
    amqp_maybe_release_buffers_on_channel(link_.state(), channel_);
    return messages_ready;
}

AmqpResult<std::uint32_t> QueueDeclarer::inspect(const std::string& queue) {
    return declare(queue, true, {});
}

AmqpResult<void> QueueDeclarer::declare_active(const QueueSpec& spec) {
    auto declaration = plain(spec);
    if (spec.role == QueueRole::delay) {
        // A quorum queue that keeps a message until the queue it goes to has confirmed it. A
        // classic one forgets it as soon as it is on its way, so a broker's crash may lose it.
        auto reliable = declaration;
        reliable.text("x-queue-type", "quorum");
        reliable.text("x-dead-letter-strategy", "at-least-once");
        reliable.text("x-overflow", "reject-publish");
        auto declared = declare(spec.name, false, reliable);
        if (declared) return {};
        if (!declared.error().channel_only || declared.error().reply_code == kAccessRefused)
            return tl::unexpected(std::move(declared.error()));
        // A broker before 3.10 knows no such quorum queues.
    }
    ROCOCO_TRY(declare(spec.name, false, declaration));
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
    return tl::unexpected(std::move(existing.error()));
}

AmqpResult<QueueTraits> QueueDeclarer::ensure_and_learn(const QueueSpec& spec) {
    auto traits = learn(spec);
    if (!traits || traits->known) return traits;
    ROCOCO_TRY(ensure(spec));
    return traits;
}

AmqpResult<QueueTraits> QueueDeclarer::learn(const QueueSpec& spec) {
    auto declaration = plain(spec);
    QueueTraits traits;
    for (int tries = 0;; ++tries) {
        auto declared = declare(spec.name, false, declaration);
        if (declared) break;
        if (!declared.error().channel_only) return tl::unexpected(std::move(declared.error()));
        const auto argument = parse_inequivalent_argument(declared.error().error.message);
        if (declared.error().reply_code != kPreconditionFailed || tries >= kMostArguments ||
            !argument || !declaration.adopt(*argument)) {
            traits.known = false;
            break;
        }
    }
    const auto value_of = [&](std::string_view name) -> const amqp_field_value_t* {
        const auto found = std::ranges::find_if(
            declaration.arguments, [name](const auto& one) { return view(one.key) == name; });
        return found == declaration.arguments.end() ? nullptr : &found->value;
    };
    if (const auto* type = value_of("x-queue-type")) {
        traits.quorum = view(type->value.bytes) == "quorum";
        traits.stream = view(type->value.bytes) == "stream";
    }
    if (const auto* single = value_of("x-single-active-consumer"))
        traits.single_active_consumer = single->value.boolean != 0;
    if (const auto* limit = value_of("x-delivery-limit"))
        traits.unlimited_returns = limit->value.i64 == -1;
    traits.auto_delete = declaration.auto_delete;
    return traits;
}

AmqpResult<bool> QueueDeclarer::may_ensure(const std::string& queue) {
    auto existing = inspect(queue);
    if (existing) return true;
    if (existing.error().reply_code != kNotFound)
        return tl::unexpected(std::move(existing.error()));
    // RabbitMQ looks at the user's right before it looks at the arguments, and makes no queue of
    // arguments like these.
    Declaration impossible;
    impossible.number("x-expires", -1);
    auto declared = declare(queue, false, impossible);
    if (declared || declared.error().reply_code == kPreconditionFailed) return false;
    return tl::unexpected(std::move(declared.error()));
}

}  // namespace rococo::messaging
