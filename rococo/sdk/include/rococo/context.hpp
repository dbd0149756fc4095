// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/abi.h"
#include "rococo/detail/call.hpp"
#include "rococo/detail/time.hpp"
#include "rococo/errors.hpp"
#include "rococo/service_logger.hpp"

namespace rococo {

/// Properties of a message that a processor sends. All are optional.
// Every member has an initialiser, so designated initialisers that skip some cause no warnings.
struct SendOptions {
    std::string id{};  ///< If empty, the host generates one.
    std::string content_type = "application/json";
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string content_encoding{};  ///< Such as `gzip`; the body is sent as it is.
    std::string reply_to{};          ///< The queue to send replies to.
    std::string type{};              ///< The kind of message, such as `order.created`.
    std::string app_id{};            ///< The name of the sending program.
    /// Only RabbitMQ uses it, in queues declared with priorities.
    std::optional<std::uint8_t> priority{};
};

/// What the host offers a processor during one call of `process`.
///
/// **Thread-safety**: all members may be called from any thread, but only until `process` returns.
class Context {
public:
    explicit Context(const rococo_call& call) : call_(&call) {}

    /// A queue's full name: `QUEUE_NAME_PREFIX` followed by `name`. The host names the queue it
    /// consumes in the same way. With the prefix `dev_`, `context().queue("invoices")` is
    /// `dev_invoices`.
    [[nodiscard]] std::string queue(std::string_view name) const {
        return std::string(detail::queue_prefix_of(*call_)).append(name);
    }

    /// Sends a message to any queue of the same broker and returns once the broker has confirmed
    /// it, so it is safe before the current message is acknowledged. `queue` is the full name,
    /// including the prefix: `context().queue("invoices")`.
    ///
    /// **Errors**: throws `SendError`. The message may have been sent anyway (at-least-once
    /// delivery).
    void send_message(std::string_view queue, std::string_view body,
                      const SendOptions& options = {}) {
        std::vector<rococo_header> headers;
        headers.reserve(options.headers.size());
        for (const auto& [name, value] : options.headers) {
            headers.push_back({string(name), string(value)});
        }
        const rococo_outgoing message{sizeof(rococo_outgoing),
                                      string(queue),
                                      string(body),
                                      string(options.id),
                                      string(options.content_type),
                                      string(options.correlation_id),
                                      headers.data(),
                                      headers.size(),
                                      string(options.content_encoding),
                                      string(options.reply_to),
                                      string(options.type),
                                      string(options.app_id),
                                      options.priority ? *options.priority : ROCOCO_NO_PRIORITY};
        std::string reason;
        // The host calls this, and no exception may reach it.
        const auto report = [](void* to, rococo_string text) noexcept {
            try {
                static_cast<std::string*>(to)->assign(text.data, text.size);
            } catch (...) {  // NOLINT(bugprone-empty-catch): out of memory: the reason is lost
            }
        };
        if (!call_->send(call_->self, &message, &reason, report)) throw SendError(reason);
    }

    /// The same for anything with a `dump()` that returns JSON, such as `rococo::Json` from
    /// `<rococo/json.hpp>`.
    template <typename Json>
    requires requires(const Json& json) { std::string(json.dump()); }
    void send_message(std::string_view queue, const Json& json, const SendOptions& options = {}) {
        send_message(queue, std::string_view(std::string(json.dump())), options);
    }

    /// Whether to stop early: `PROCESS_TIMEOUT` has passed, or the host is shutting down and
    /// `DRAIN_TIMEOUT` is nearly over. Check it regularly in long loops, and return or throw.
    [[nodiscard]] bool cancelled() const { return call_->cancelled(call_->self); }

    /// How much of `PROCESS_TIMEOUT` is left; the maximum duration if there is no timeout.
    [[nodiscard]] std::chrono::microseconds time_left() const {
        return std::chrono::microseconds(call_->time_left_us(call_->self));
    }

    /// The number of this attempt, starting at 1. In a batch, use each message's own `attempt()`.
    [[nodiscard]] std::uint32_t attempt() const { return call_->attempt; }

    /// When this run of a cron processor was due. Empty when handling messages.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> scheduled_at() const {
        return detail::time_point_of(call_->scheduled_at_us);
    }

    /// The same logger as `rococo::logger()`.
    [[nodiscard]] const Logger& logger() const { return rococo::logger(); }

private:
    static rococo_string string(std::string_view text) { return {text.data(), text.size()}; }

    const rococo_call* call_;
};

}  // namespace rococo
