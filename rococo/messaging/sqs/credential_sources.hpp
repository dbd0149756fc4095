// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "credentials.hpp"
#include "event_loop.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "shared_config.hpp"

namespace rococo::messaging::sqs {

/// What every source of credentials may ask.
struct SourceContext {
    Variables variables;
    /// One exchange, waited for; the request's own time limit holds.
    std::function<HttpAnswer(HttpRequest)> fetch;
    const Clock* clock = nullptr;  ///< Never null.
    std::string region;            ///< For the address of STS.
    std::string ca_bundle;
};

/// Credentials; none where the source is not set up here, so that the next one is asked.
using SourceResult = Result<std::optional<Credentials>>;

/// `AWS_ACCESS_KEY_ID` and its companions.
[[nodiscard]] SourceResult environment_credentials(const SourceContext& context);

/// The profile in the shared files. A role (`role_arn` with `source_profile`, `credential_source`
/// or `web_identity_token_file`) is taken on through STS.
[[nodiscard]] SourceResult profile_credentials(const SourceContext& context);

/// STS AssumeRoleWithWebIdentity with `AWS_WEB_IDENTITY_TOKEN_FILE`.
[[nodiscard]] SourceResult web_identity_credentials(const SourceContext& context);

/// The container's agent: ECS (relative address) or EKS pod identity (full address).
[[nodiscard]] SourceResult container_credentials(const SourceContext& context);

/// The instance's metadata service, version 2. `why_not` receives the reason where there are none.
[[nodiscard]] SourceResult instance_credentials(const SourceContext& context,
                                                std::string* why_not = nullptr);

/// A role to take on through STS.
struct Role {
    std::string arn;
    std::string session_name;
    std::string external_id;
};

/// STS AssumeRole, signed with `base`.
[[nodiscard]] SourceResult assume_role(const SourceContext& context, const Role& role,
                                       const Credentials& base);

/// STS AssumeRoleWithWebIdentity with the token in that file, which is read each time.
[[nodiscard]] SourceResult assume_role_with_token(const SourceContext& context, const Role& role,
                                                  const std::string& token_file);

}  // namespace rococo::messaging::sqs
