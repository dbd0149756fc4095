// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo_svchost/runtime/work_page.hpp"

namespace rococo::svchost {

/// What a processor did with one message or run.
struct Outcome {
    enum class Kind {
        ok,           ///< It returned.
        failed,       ///< It threw: again with backoff.
        retry_after,  ///< It asked to be called again after `delay`.
        permanent,    ///< It threw `PermanentError`.
    };

    Kind kind = Kind::ok;
    std::chrono::microseconds delay{};  ///< Of `retry_after`.
    std::string error;                  ///< What it said; empty for `ok`.
};

/// Whom a processor tells about the deliveries of a call before the call is over. Both count those
/// deliveries that neither was told of yet, and those told of must not be looked at any more.
///
/// **Thread-safety**: the thread of the call.
class CallProgress {
public:
    virtual ~CallProgress() = default;

    /// The first `count` have ended; their outcomes are in place.
    virtual void ended(std::size_t count) = 0;
    /// The last `count` were not begun, and will not be by this call.
    virtual void not_begun(std::size_t count) = 0;
};

/// The circumstances of one call of `process`.
struct Call {
    std::span<const std::uint32_t> attempts{};  ///< Of each delivery; a run has one.
    SystemTime scheduled_at{};                  ///< Of a cron run; the epoch otherwise.
    SteadyTime deadline = SteadyTime::max();    ///< By PROCESS_TIMEOUT.
    const CancelWord* cancelled = nullptr;      ///< Set from outside: end early.
    CallProgress* progress = nullptr;           ///< Null for a run.

    [[nodiscard]] bool is_cancelled() const { return cancelled != nullptr && *cancelled != 0; }
};

/// One instance of the user's processor.
///
/// **Thread-safety**: used by one thread at a time.
class Processor {
public:
    virtual ~Processor() = default;

    /// Handles the deliveries (none for a cron run) and writes what became of each to the outcome
    /// at the same place; a cron run has one outcome. Outcomes start as `ok`. Never throws:
    /// whatever the user's code does ends as an outcome, short of the death of the process.
    virtual void process(const Call& call, std::span<const messaging::Delivery* const> deliveries,
                         std::span<Outcome> outcomes) = 0;

    /// How many messages it works on at once, and so wants at once, whatever time they take; 0: it
    /// takes one after the other. Only where calls are windows.
    [[nodiscard]] virtual std::size_t wanted_at_once() const { return 0; }
};

/// Makes processors: one for each worker.
class ProcessorFactory {
public:
    virtual ~ProcessorFactory() = default;

    /// A new instance. **Errors**: kind `service`, with what the constructor threw.
    [[nodiscard]] virtual Result<std::unique_ptr<Processor>> create() = 0;
};

}  // namespace rococo::svchost
