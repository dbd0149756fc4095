// SPDX-License-Identifier: MIT
// Credentials that are written down: in the environment and in the shared files.
#include <fmt/format.h>

#include "credential_sources.hpp"
#include "rococo/base/try.hpp"

namespace rococo::messaging::sqs {
namespace {

/// A chain of `source_profile`s ends somewhere; a longer one is a mistake (or a circle).
constexpr int kMaxSourceProfiles = 5;

std::string value_of(const Profile& profile, std::string_view key) {
    const auto found = profile.find(key);
    return found == profile.end() ? std::string() : found->second;
}

Credentials written_keys(const Profile& profile, std::string_view name) {
    return {value_of(profile, "aws_access_key_id"), value_of(profile, "aws_secret_access_key"),
            value_of(profile, "aws_session_token"), std::nullopt, fmt::format("profile {}", name)};
}

class ProfileReader {
public:
    ProfileReader(const SourceContext& context, const SharedConfig& shared)
        : context_(context), shared_(shared) {}

    SourceResult read(const std::string& name, int depth) const {
        const Profile* profile = shared_.find(name);
        if (profile == nullptr) return missing(name, depth);
        const bool role = !value_of(*profile, "role_arn").empty();
        // A profile that names itself as its source means its own keys.
        if (role && !(depth > 0 && value_of(*profile, "source_profile") == name)) {
            return take_on_role(*profile, name, depth);
        }
        auto keys = written_keys(*profile, name);
        if (keys.access_key_id.empty() && keys.secret_access_key.empty()) {
            return without_keys(*profile, name, depth);
        }
        if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
            return wrong(name, "has only one of aws_access_key_id and aws_secret_access_key");
        }
        return keys;
    }

private:
    static SourceResult wrong(std::string_view name, std::string_view what) {
        return failure(ErrorKind::configuration, fmt::format("AWS profile '{}' {}.", name, what));
    }

    SourceResult missing(const std::string& name, int depth) const {
        if (depth == 0 && !context_.variables("AWS_PROFILE")) return std::nullopt;
        return wrong(name,
                     "is in neither of the shared files (~/.aws/credentials, ~/.aws/config; "
                     "AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name others). Check "
                     "AWS_PROFILE and source_profile");
    }

    static SourceResult without_keys(const Profile& profile, const std::string& name, int depth) {
        for (const std::string_view key : {"credential_process", "sso_session", "sso_start_url"}) {
            if (value_of(profile, key).empty()) continue;
            return wrong(name, fmt::format("gets its keys by {}, which this program does not do. "
                                           "Give it keys or a role",
                                           key));
        }
        if (depth > 0) return wrong(name, "is a source_profile but has no keys");
        return std::nullopt;
    }

    SourceResult take_on_role(const Profile& profile, const std::string& name, int depth) const {
        const Role role{value_of(profile, "role_arn"), value_of(profile, "role_session_name"),
                        value_of(profile, "external_id")};
        if (depth >= kMaxSourceProfiles)
            return wrong(name, "is part of a circle of source_profile");
        if (!value_of(profile, "mfa_serial").empty()) {
            return wrong(name,
                         "asks for a one-time code (mfa_serial), which a service cannot give");
        }
        if (const auto file = value_of(profile, "web_identity_token_file"); !file.empty()) {
            return assume_role_with_token(context_, role, file);
        }
        ROCOCO_ASSIGN_OR_RETURN(auto base, base_of(profile, name, depth));
        if (!base) {
            return wrong(name,
                         "has role_arn, but its source has no credentials: set source_profile "
                         "or credential_source");
        }
        return assume_role(context_, role, *base);
    }

    SourceResult base_of(const Profile& profile, const std::string& name, int depth) const {
        if (const auto source = value_of(profile, "source_profile"); !source.empty()) {
            return read(source, depth + 1);
        }
        const auto source = value_of(profile, "credential_source");
        if (source == "Environment") return environment_credentials(context_);
        if (source == "EcsContainer") return container_credentials(context_);
        if (source == "Ec2InstanceMetadata") return instance_credentials(context_);
        if (source.empty()) return std::nullopt;
        return wrong(name, fmt::format("has credential_source = '{}'; allowed are Environment, "
                                       "EcsContainer and Ec2InstanceMetadata",
                                       source));
    }

    const SourceContext& context_;
    const SharedConfig& shared_;
};

}  // namespace

SourceResult environment_credentials(const SourceContext& context) {
    const auto key = context.variables("AWS_ACCESS_KEY_ID");
    auto secret = context.variables("AWS_SECRET_ACCESS_KEY");
    if (!secret) secret = context.variables("AWS_ACCESS_KEY_SECRET");
    if (!key && !secret) return std::nullopt;
    if (!key) {
        return failure(ErrorKind::configuration,
                       "AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not. Set both.");
    }
    if (!secret) {
        return failure(ErrorKind::configuration,
                       "AWS_ACCESS_KEY_ID is set and neither AWS_SECRET_ACCESS_KEY nor "
                       "AWS_ACCESS_KEY_SECRET is. Set both.");
    }
    return Credentials{*key, *secret, context.variables("AWS_SESSION_TOKEN").value_or(""),
                       std::nullopt, "the environment"};
}

SourceResult profile_credentials(const SourceContext& context) {
    ROCOCO_ASSIGN_OR_RETURN(const auto shared, SharedConfig::load(context.variables));
    return ProfileReader(context, shared).read(profile_name(context.variables), 0);
}

}  // namespace rococo::messaging::sqs
