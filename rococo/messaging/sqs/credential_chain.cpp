// SPDX-License-Identifier: MIT
#include "credential_chain.hpp"

#include <fmt/format.h>

#include <functional>
#include <string>

#include "rococo/base/try.hpp"

namespace rococo::messaging::sqs {

Result<Credentials> fetch_credentials(const SourceContext& context) {
    std::string instance_note;
    for (const auto& source : {
             std::function<SourceResult()>([&] { return environment_credentials(context); }),
             std::function<SourceResult()>([&] { return profile_credentials(context); }),
             std::function<SourceResult()>([&] { return web_identity_credentials(context); }),
             std::function<SourceResult()>([&] { return container_credentials(context); }),
             std::function<SourceResult()>(
                 [&] { return instance_credentials(context, &instance_note); }),
         }) {
        ROCOCO_ASSIGN_OR_RETURN(auto found, source());
        if (found) return *found;
    }
    return failure(
        ErrorKind::configuration,
        fmt::format("No AWS credentials: neither the environment (AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY), nor profile '{}' of the shared files, nor "
                    "AWS_WEB_IDENTITY_TOKEN_FILE, nor a container's agent has any, nor the "
                    "instance ({}). Set one of them.",
                    profile_name(context.variables), instance_note));
}

}  // namespace rococo::messaging::sqs
