// SPDX-License-Identifier: MIT
#pragma once

#include "credential_sources.hpp"
#include "credentials.hpp"
#include "rococo/base/result.hpp"

namespace rococo::messaging::sqs {

/// Fetches credentials from the first source that has some:
///
/// 1. the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` (or the original's
///    `AWS_ACCESS_KEY_SECRET`), `AWS_SESSION_TOKEN`;
/// 2. the shared files' profile: its keys, or the role that it takes on;
/// 3. web identity (EKS): `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`;
/// 4. the container (ECS, EKS pod identity): `AWS_CONTAINER_CREDENTIALS_…_URI`;
/// 5. the instance (EC2, IMDSv2).
///
/// Blocks the caller for up to a quarter of a minute (see the time limits in the sources).
///
/// **Thread-safety**: that of the context's members.
/// **Errors**: configuration where no source has any or one is incomplete; unavailable where a
/// source that must answer does not.
[[nodiscard]] Result<Credentials> fetch_credentials(const SourceContext& context);

}  // namespace rococo::messaging::sqs
