// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "credential_chain.hpp"
#include "credentials.hpp"
#include "event_loop.hpp"
#include "rare_log.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"

namespace rococo::messaging::sqs {

/// The current credentials, fetched outside the event loop: STS, a container's agent or the
/// instance may take many seconds to answer, and waiting for them would block visibility extensions
/// and a drain.
///
/// Temporary ones are renewed well before they expire. The old ones are used meanwhile and, if
/// renewing fails, until they expire. Their lifetime is measured on the monotonic clock from when
/// they were received, so a wrong wall clock does not shorten it.
///
/// **Thread-safety**: the loop's thread. Fetching runs on a separate thread, which reads the
/// variables and the clock.
/// **Ownership**: the loop must outlive it. The destructor aborts a fetch in progress.
class CredentialKeeper {
public:
    using Task = std::function<void()>;

    /// `context.fetch` is set here.
    CredentialKeeper(EventLoop& loop, SourceContext context, Logger logger);
    ~CredentialKeeper();

    /// Credentials that are good now. None where they must be fetched: see `when_fetched`.
    [[nodiscard]] std::optional<Credentials> current();

    /// Fetches, unless that is under way, and calls the task once it has succeeded or failed, from
    /// a later turn of the loop.
    void when_fetched(Task task);

    /// Why there are none, after a fetch.
    [[nodiscard]] const Error& error() const { return error_; }

    /// Whether fetching may bring others than those, which the service has refused: not where they
    /// are written into the environment, and not where they were fetched a moment ago.
    [[nodiscard]] bool may_renew(const Credentials& refused) const;

private:
    void start();
    void fetched(Result<Credentials> fresh);
    void remember(Credentials fresh);

    EventLoop& loop_;
    SourceContext context_;
    Logger logger_;
    RareLog rarely_;
    EventLoop fetching_loop_;  ///< The fetching thread's own.
    std::optional<Credentials> current_;
    bool written_in_environment_ = false;
    SteadyTime refresh_at_ = SteadyTime::max();
    SteadyTime good_until_ = SteadyTime::max();
    std::optional<SteadyTime> fetched_at_;  ///< The end of the last fetch, whatever came of it.
    Error error_;
    std::vector<Task> waiting_;
    bool under_way_ = false;
    std::shared_ptr<CredentialKeeper*> self_;  ///< Null once it is gone: for what it has posted.
    std::jthread thread_;
};

}  // namespace rococo::messaging::sqs
