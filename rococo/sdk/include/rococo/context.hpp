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
#include "rococo/errors.hpp"
#include "rococo/service_logger.hpp"

namespace rococo {

/// What a processor may set on a message that it sends; everything is optional.
// Initialisers on all, so that naming some of them warns of none that is left out.
struct SendOptions {
    std::string id{};  ///< Empty: the host makes one.
    std::string content_type = "application/json";
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};
};

/// What the host does for a processor while it handles a message or a run.
///
/// **Thread-safety**: all members may be called from any thread until `process` returns, and not
/// after.
class Context {
public:
    explicit Context(const rococo_call& call) : call_(&call) {}

    /// Sends a message to any queue of the same broker, and returns once it is safe there:
    /// confirmed before the message in hand is acknowledged. `queue` is the queue's whole name.
    ///
    /// **Errors**: throws `SendError`; the message may have been sent all the same (at least once).
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
                                      headers.size()};
        std::string reason;
        const auto report = [](void* to, rococo_string text) {
            static_cast<std::string*>(to)->assign(text.data, text.size);
        };
        if (!call_->send(call_->self, &message, &reason, report)) throw SendError(reason);
    }

    /// The same for anything that writes itself as JSON with `dump()`, such as `rococo::Json` of
    /// `<rococo/json.hpp>`.
    template <typename Json>
    requires requires(const Json& json) { std::string(json.dump()); }
    void send_message(std::string_view queue, const Json& json, const SendOptions& options = {}) {
        send_message(queue, std::string_view(std::string(json.dump())), options);
    }

    /// Whether the work should end early: `PROCESS_TIMEOUT` has passed, or the host is draining and
    /// its time is nearly over. A long loop asks now and then, and throws or returns.
    [[nodiscard]] bool cancelled() const { return call_->cancelled(call_->self); }

    /// How much of `PROCESS_TIMEOUT` is left; the longest duration where there is none.
    [[nodiscard]] std::chrono::microseconds time_left() const {
        return std::chrono::microseconds(call_->time_left_us(call_->self));
    }

    /// Which attempt this is: 1 at first. In a batch each message knows its own.
    [[nodiscard]] std::uint32_t attempt() const { return call_->attempt; }

    /// The time that a run of a cron processor was due; none while handling messages.
    [[nodiscard]] std::optional<std::chrono::system_clock::time_point> scheduled_at() const {
        if (call_->scheduled_at_us == 0) return std::nullopt;
        return std::chrono::system_clock::time_point(
            std::chrono::microseconds(call_->scheduled_at_us));
    }

    /// The host's logger; the same as `rococo::logger()`.
    [[nodiscard]] const Logger& logger() const { return rococo::logger(); }

private:
    static rococo_string string(std::string_view text) { return {text.data(), text.size()}; }

    const rococo_call* call_;
};

}  // namespace rococo
