// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"

namespace rococo::messaging::sqs {

/// One HTTP request, with every limit it must keep.
struct HttpRequest {
    std::string method = "POST";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::chrono::milliseconds connect_timeout{3100};
    std::chrono::milliseconds timeout{10'000};             ///< Of the whole exchange.
    std::size_t max_answer_bytes = std::size_t{1} << 20U;  ///< Of the answer's body.
    bool direct = false;    ///< Past any proxy: credentials of the machine's own services.
    std::string ca_bundle;  ///< PEM file to trust instead of the system's; empty: the system's.
};

/// What came back: an answer with a status, or a `failure` in words and no status.
struct HttpAnswer {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case.
    std::string body;
    std::string failure;  ///< Why there is no (whole) answer; empty where there is one.

    /// The first header with this (lower-case) name; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// HTTP exchanges and timers of one thread, over libcurl's multi interface.
///
/// Connections are kept and reused; TLS is 1.2 or later; redirects are answers like any other and
/// never followed, since a signed request must not go to a stranger.
///
/// **Thread-safety**: one thread, but for `post`, which any thread may call, and `wake`, which any
/// thread and any signal handler may call (it writes to an eventfd; `curl_multi_wakeup` makes no
/// promise for signal handlers).
/// **Ownership**: `clock` outlives the loop. Callbacks run inside `turn`, may start and cancel
/// anything, and are dropped without a call when the loop goes.
class EventLoop {
public:
    using Done = std::function<void(HttpAnswer)>;
    using Task = std::function<void()>;
    using Id = std::uint64_t;

    explicit EventLoop(const Clock& clock);
    ~EventLoop();

    /// Starts an exchange. `done` is called once, from a later `turn`.
    Id start(HttpRequest request, Done done);

    /// Calls `task` once, from the first `turn` at or after that time.
    Id at(SteadyTime time, Task task);

    /// Ends an exchange or a timer without calling it back. Unknown ids are ignored.
    void cancel(Id id);

    /// Whether the exchange has already been given some byte of its answer.
    [[nodiscard]] bool answering(Id id) const;

    /// Waits for something to happen, until the deadline at most, and calls back what has. A
    /// deadline in the past does what can be done at once.
    void turn(SteadyTime deadline);

    /// Makes a waiting `turn` return, or the next one at once.
    void wake() noexcept;

    /// Calls `task` once, from a later `turn`, which does not wait for anything else. From any
    /// thread. What has not been called when the loop goes is dropped.
    void post(Task task);

    /// Whether `wake` was called since the last time this was asked.
    [[nodiscard]] bool take_woken();

    /// HTTP exchanges finished so far, failures included: for measurements.
    [[nodiscard]] std::uint64_t exchanges() const;

    [[nodiscard]] const Clock& clock() const { return clock_; }

private:
    struct Impl;
    const Clock& clock_;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rococo::messaging::sqs
