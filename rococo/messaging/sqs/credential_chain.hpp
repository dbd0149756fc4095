// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "credential_sources.hpp"
#include "credentials.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/result.hpp"
#include "rococo/logger.hpp"

namespace rococo::messaging::sqs {

/// The credentials in force, from the first source that has some:
///
/// 1. the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` (or the original's
///    `AWS_ACCESS_KEY_SECRET`), `AWS_SESSION_TOKEN`;
/// 2. the shared files' profile: its keys, or the role that it takes on;
/// 3. web identity (EKS): `AWS_WEB_IDENTITY_TOKEN_FILE`, `AWS_ROLE_ARN`;
/// 4. the container (ECS, EKS pod identity): `AWS_CONTAINER_CREDENTIALS_…_URI`;
/// 5. the instance (EC2, IMDSv2).
///
/// Temporary ones are fetched anew well before they expire; while that fails, the old ones serve
/// until they expire. Fetching blocks the caller for a few seconds at worst (see the time limits in
/// the sources), once an hour or so.
///
/// **Thread-safety**: one thread at a time.
/// **Errors**: configuration where no source has any or one is incomplete; unavailable where a
/// source that must answer does not.
class CredentialChain {
public:
    CredentialChain(SourceContext context, Logger logger);

    /// Credentials that are good now.
    [[nodiscard]] Result<Credentials> get();

    /// Forgets the temporary credentials at hand: the service said that they have expired.
    void forget();

private:
    [[nodiscard]] Result<Credentials> fetch();
    void remember(Credentials fresh, SystemTime now);

    SourceContext context_;
    Logger logger_;
    std::optional<Credentials> current_;
    SystemTime refresh_at_{};
};

}  // namespace rococo::messaging::sqs
