// SPDX-License-Identifier: MIT
#include "credential_chain.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>

namespace rococo::messaging::sqs {
namespace {

/// New ones are there at least five minutes before the old ones expire (IMDS's own promise).
constexpr std::chrono::minutes kRefreshBeforeExpiry{5};
/// After a failed refresh, while the old credentials are still good.
constexpr std::chrono::seconds kRefreshRetry{20};

}  // namespace

CredentialChain::CredentialChain(SourceContext context, Logger logger)
    : context_(std::move(context)), logger_(logger) {}

Result<Credentials> CredentialChain::get() {
    const auto now = context_.clock->now();
    if (current_ && (!current_->expires_at || now < refresh_at_)) return *current_;

    auto fresh = fetch();
    if (fresh) {
        remember(std::move(*fresh), now);
        return *current_;
    }
    if (current_ && now < *current_->expires_at) {
        logger_.warning(
            "AWS credentials could not be refreshed, the old ones are good until {}: {}",
            fmt::format("{:%H:%M:%S} UTC", *current_->expires_at), fresh.error().message);
        refresh_at_ = now + kRefreshRetry;
        return *current_;
    }
    return fresh;
}

void CredentialChain::remember(Credentials fresh, SystemTime now) {
    if (!current_ || current_->access_key_id != fresh.access_key_id) {
        logger_.info("AWS credentials: {} from {}.", fresh.access_key_id, fresh.source);
    }
    current_ = std::move(fresh);
    if (!current_->expires_at) return;
    const auto lifetime = *current_->expires_at - now;
    const SystemTime::duration early =
        std::min<SystemTime::duration>(kRefreshBeforeExpiry, lifetime / 4);
    refresh_at_ = *current_->expires_at - early;
}

void CredentialChain::forget() {
    if (current_ && current_->expires_at) current_.reset();
}

Result<Credentials> CredentialChain::fetch() {
    std::string instance_note;
    for (const auto& source : {
             std::function<SourceResult()>([&] { return environment_credentials(context_); }),
             std::function<SourceResult()>([&] { return profile_credentials(context_); }),
             std::function<SourceResult()>([&] { return web_identity_credentials(context_); }),
             std::function<SourceResult()>([&] { return container_credentials(context_); }),
             std::function<SourceResult()>(
                 [&] { return instance_credentials(context_, &instance_note); }),
         }) {
        auto found = source();
        if (!found) return tl::unexpected(found.error());
        if (*found) return **found;
    }
    return failure(
        ErrorKind::configuration,
        fmt::format("No AWS credentials: neither the environment (AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY), nor profile '{}' of the shared files, nor "
                    "AWS_WEB_IDENTITY_TOKEN_FILE, nor a container's agent has any, nor the "
                    "instance ({}). Set one of them.",
                    profile_name(context_.variables), instance_note));
}

}  // namespace rococo::messaging::sqs
