// SPDX-License-Identifier: MIT
#include "credential_keeper.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <utility>

namespace rococo::messaging::sqs {
namespace {

/// New ones are there at least five minutes before the old ones expire (IMDS's own promise).
constexpr std::chrono::minutes kRefreshBeforeExpiry{5};
/// After a failed refresh, while the old credentials are still good.
constexpr std::chrono::seconds kRefreshRetry{20};
/// Between fetches that fail, or that bring what the service refuses.
constexpr std::chrono::seconds kBetweenFetches{1};
/// What was just handed out is used for that long, whatever this machine's clock makes of its
/// expiry: the service is the judge.
constexpr std::chrono::seconds kLeastLifetime{60};

HttpAnswer exchange(EventLoop& loop, HttpRequest request, const std::stop_token& stop) {
    std::optional<HttpAnswer> answer;
    const auto id =
        loop.start(std::move(request), [&](HttpAnswer got) { answer = std::move(got); });
    // The request's own time limit ends this, or the keeper's end, which wakes the loop.
    while (!answer && !stop.stop_requested()) {
        loop.turn(loop.clock().steady_now() + std::chrono::seconds(1));
    }
    if (answer) return std::move(*answer);
    loop.cancel(id);
    HttpAnswer nothing;
    nothing.failure = "given up, since the program ends";
    return nothing;
}

}  // namespace

CredentialKeeper::CredentialKeeper(EventLoop& loop, SourceContext context, Logger logger)
    : loop_(loop),
      context_(std::move(context)),
      logger_(logger),
      rarely_(loop.clock()),
      fetching_loop_(loop.clock()),
      self_(std::make_shared<CredentialKeeper*>(this)) {
    // The commonest source needs neither a thread nor a wait.
    if (auto written = environment_credentials(context_); written && *written) {
        written_in_environment_ = true;
        remember(std::move(**written));
    }
}

CredentialKeeper::~CredentialKeeper() {
    *self_ = nullptr;
    thread_.request_stop();
    fetching_loop_.wake();
    if (thread_.joinable()) thread_.join();
}

std::optional<Credentials> CredentialKeeper::current() {
    const auto now = loop_.clock().steady_now();
    if (!current_ || now >= good_until_) return std::nullopt;
    if (now >= refresh_at_) start();
    return current_;
}

void CredentialKeeper::when_fetched(Task task) {
    waiting_.push_back(std::move(task));
    start();
}

bool CredentialKeeper::may_renew(const Credentials& refused) const {
    if (written_in_environment_) return false;
    const bool others_already = current_ && (current_->access_key_id != refused.access_key_id ||
                                             current_->session_token != refused.session_token);
    const auto now = loop_.clock().steady_now();
    return others_already || under_way_ || !fetched_at_ || now >= *fetched_at_ + kBetweenFetches;
}

void CredentialKeeper::start() {
    if (under_way_) return;
    under_way_ = true;
    const auto now = loop_.clock().steady_now();
    if (!current_ && fetched_at_ && now < *fetched_at_ + kBetweenFetches) {
        // It has just failed, so return the same error.
        loop_.post([self = self_] {
            if (*self != nullptr) (*self)->fetched(tl::unexpected((*self)->error_));
        });
        return;
    }
    thread_ = std::jthread([this, self = self_](const std::stop_token& stop) {
        auto context = context_;
        context.fetch = [this, &stop](HttpRequest request) {
            return exchange(fetching_loop_, std::move(request), stop);
        };
        auto fresh = fetch_credentials(context);
        loop_.post([self, fresh = std::move(fresh)] {
            if (*self != nullptr) (*self)->fetched(fresh);
        });
    });
}

void CredentialKeeper::fetched(Result<Credentials> fresh) {
    under_way_ = false;
    const auto now = loop_.clock().steady_now();
    fetched_at_ = now;
    if (fresh) {
        remember(std::move(*fresh));
    } else {
        error_ = fresh.error();
        const bool still_good = current_ && now < good_until_;
        if (!still_good) current_.reset();
        if (const auto more = still_good ? rarely_.turn("refresh") : std::nullopt) {
            logger_.warning(
                "AWS credentials could not be refreshed, the old ones are good until {}: {}{}",
                current_->expires_at ? fmt::format("{:%H:%M:%S} UTC", *current_->expires_at)
                                     : std::string("they are changed"),
                error_.message, *more);
        }
        if (still_good) refresh_at_ = now + kRefreshRetry;
    }
    for (const auto& task : std::exchange(waiting_, {})) task();
}

void CredentialKeeper::remember(Credentials fresh) {
    if (!current_ || current_->access_key_id != fresh.access_key_id) {
        logger_.info("AWS credentials: {} from {}.", fresh.access_key_id, fresh.source);
    }
    current_ = std::move(fresh);
    refresh_at_ = SteadyTime::max();
    good_until_ = SteadyTime::max();
    if (!current_->expires_at) return;
    const auto lifetime =
        std::max<SystemTime::duration>(*current_->expires_at - loop_.clock().now(), kLeastLifetime);
    const auto early = std::min<SystemTime::duration>(kRefreshBeforeExpiry, lifetime / 4);
    const auto now = loop_.clock().steady_now();
    refresh_at_ = now + lifetime - early;
    good_until_ = now + lifetime;
}

}  // namespace rococo::messaging::sqs
