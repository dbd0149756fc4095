// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_adapter.hpp"
#include "rococo/messaging/settlement.hpp"

namespace rococo::svchost {

/// Why a message's verdict is what it is.
enum class Cause : std::uint8_t {
    ok,            ///< It was processed.
    error,         ///< The processor threw.
    retry_after,   ///< The processor asked for another try.
    permanent,     ///< The processor threw `PermanentError`.
    max_attempts,  ///< The last attempt failed.
    crash,         ///< Its last attempt ended with its host.
    not_begun,     ///< Given back as it was.
};

/// How a call of `process` ended for one message.
enum class CallEnd : std::uint8_t { ok, error, permanent, retry_after, timeout };

/// A call that ended, for one of its messages.
struct EndedCall {
    CallEnd end = CallEnd::ok;
    std::uint32_t attempt = 1;
    SystemTime sent_at{};  ///< When the message was sent; the epoch if unknown.
    SteadyTime begun_at{};
    SteadyTime ended_at{};
    bool acknowledged = false;  ///< The verdict, which may not be safe yet.
};

/// A call that failed.
struct FailedCall {
    std::string message;  ///< Its name in the log.
    std::uint32_t attempt = 1;
    messaging::Verdict verdict = messaging::Verdict::retry;  ///< `ack`: dropped.
    Cause cause = Cause::error;
    std::string_view error;
    std::chrono::nanoseconds duration{};
    std::chrono::milliseconds retry_after{};
};

/// A verdict that is safe in the queue.
struct SafeVerdict {
    messaging::Verdict verdict = messaging::Verdict::ack;
    Cause cause = Cause::ok;  ///< Of a failed message that is acknowledged: what failed.
};

/// What is in hand after a turn of the dispatcher.
struct InHand {
    std::size_t jobs = 0;       ///< With the workers: waiting, processed, or not collected.
    std::size_t unsettled = 0;  ///< Verdicts without an event so far.
    std::size_t prefetch = 0;   ///< The most that may be in hand.
};

/// Who is told what happens to a host's messages: metrics, the page, the log of failures.
///
/// **Thread-safety**: the dispatcher's thread calls it, once for a batch. It must not block.
class RunObserver {
public:
    virtual ~RunObserver() = default;

    virtual void on_accepted(std::size_t messages) = 0;  ///< Handed to the workers.
    virtual void on_ended(std::span<const EndedCall> calls) = 0;
    virtual void on_failed(const FailedCall& call) = 0;
    virtual void on_settled(std::span<const SafeVerdict> verdicts) = 0;
    /// So many were processed, but the queue had taken them back.
    virtual void on_lost(std::size_t messages) = 0;
    virtual void on_overdue(std::size_t calls) = 0;  ///< Have passed PROCESS_TIMEOUT.
    virtual void on_connection(const messaging::Events::State& state) = 0;
    virtual void on_drain() = 0;
    /// At the end of each turn, a second apart at most.
    virtual void on_turn(const InHand& in_hand) = 0;

protected:
    RunObserver() = default;
    RunObserver(const RunObserver&) = default;
    RunObserver& operator=(const RunObserver&) = default;
};

}  // namespace rococo::svchost
