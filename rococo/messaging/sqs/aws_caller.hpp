// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "event_loop.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging::sqs {

/// Why a call failed, for people and for the code that handles it.
struct CallFailure {
    Error error;
    std::string code;        ///< The service's word, `QueueDoesNotExist`; empty where it said none.
    bool passing = false;    ///< Trying again may help: network, throttling, 5xx, garbled answers.
    bool unreached = false;  ///< No answer came, or the call could not be signed.

    /// What is left of it for those who make no calls.
    operator Error() const { return error; }
};

using CallResult = tl::expected<nlohmann::json, CallFailure>;

/// What a call may take.
struct CallLimits {
    std::chrono::milliseconds timeout{10'000};  ///< Of each try.
    std::size_t max_answer_bytes = std::size_t{4} << 20U;
    /// Passing failures are tried again until then; a time in the past means one try.
    SteadyTime give_up_at{};
};

/// Calls SQS in its JSON protocol (AWS JSON 1.0): signs, sends, understands the answer.
///
/// A clock that is off is answered here: the difference to the service's `Date` is learnt and the
/// call signed again. So are credentials that expired early or were replaced: fetched anew, once.
/// While credentials are fetched, calls wait for them and the loop turns.
///
/// **Thread-safety**: that of its loop. **Ownership**: the loop outlives the caller.
class AwsCaller {
public:
    using Done = std::function<void(CallResult)>;
    using Id = std::uint64_t;

    /// **Errors**: configuration, where there is no region or the endpoint is not a URL.
    [[nodiscard]] static Result<std::unique_ptr<AwsCaller>> create(
        EventLoop& loop, const SqsSettings& settings, std::string_view region_of_queue,
        std::string_view url_of_queue, RandomSource random, Logger logger);
    ~AwsCaller();

    /// Starts a call of `action` (`ReceiveMessage`). `done` is called once, from a later turn of
    /// the loop. `subject` is named in errors: the queue.
    Id call(std::string action, const nlohmann::json& body, std::string subject, CallLimits limits,
            Done done);

    /// Ends a call without calling it back.
    void cancel(Id id);

    /// Whether the answer has begun to arrive.
    [[nodiscard]] bool answering(Id id) const;

    /// The same, waited for: the loop turns meanwhile.
    [[nodiscard]] CallResult call_and_wait(std::string action, const nlohmann::json& body,
                                           std::string subject, CallLimits limits);

    /// The service's time, by its last answer, less a second at most; none before it told.
    [[nodiscard]] std::optional<SystemTime> service_now() const;

    [[nodiscard]] const Clock& clock() const;
    [[nodiscard]] const std::string& endpoint() const;
    [[nodiscard]] const std::string& region() const;

private:
    struct Impl;
    explicit AwsCaller(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging::sqs
