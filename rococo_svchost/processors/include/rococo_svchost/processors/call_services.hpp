// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// What the host lends to a service.
///
/// **Ownership**: sender and clock must outlive the processors. The log must live as long as the
/// process, because a service's own threads may write to it until then.
struct HostServices {
    messaging::MessageSender& sender;
    const Clock& clock;
    const Logger::Sink& log;
    std::string queue_prefix = {};  ///< QUEUE_NAME_PREFIX, which services put before queue names.
    /// Has the page of a worker's process outlive this one, as a file (`CrashNotes::keep_page`).
    std::function<void(std::size_t worker, int descriptor)> keep_page = {};
    /// Is told when processors cannot be run any more: the host drains and ends with the error.
    std::function<void(const Error& error)> on_broken = {};
    /// Is told when a processor's process has crashed, by a worker's thread.
    std::function<void()> on_crash = {};
};

/// What a service's code may ask of the host during one call of `process`. The C ABI answers from
/// it, and every other way of running a service does too.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: the host's services and the call must outlive it.
class CallServices {
public:
    CallServices(const HostServices& host, const Call& call) : host_(host), call_(call) {}

    /// Sends a message to a queue, whose name includes the prefix, and returns once it is safe
    /// there. **Errors**: the sender's.
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    const messaging::OutgoingMessage& message) const {
        return host_.sender.send(queue, message);
    }

    /// Whether to stop early: the host's time to drain is nearly over, or the deadline has passed.
    [[nodiscard]] bool cancelled() const {
        return call_.is_cancelled() || host_.clock.steady_now() >= call_.deadline;
    }

    /// The time until PROCESS_TIMEOUT, negative after it; the maximum if there is none.
    [[nodiscard]] std::chrono::microseconds time_left() const {
        using std::chrono::microseconds;
        if (call_.deadline == SteadyTime::max()) return microseconds::max();
        return std::chrono::duration_cast<microseconds>(call_.deadline - host_.clock.steady_now());
    }

    [[nodiscard]] const std::string& queue_prefix() const { return host_.queue_prefix; }
    [[nodiscard]] Logger logger() const { return Logger(&host_.log); }

private:
    const HostServices& host_;
    const Call& call_;
};

}  // namespace rococo::svchost
