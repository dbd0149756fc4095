// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"
#include "rococo/messaging/sqs/sqs_settings.hpp"

namespace rococo::messaging::sqs {

/// The value of a variable such as `AWS_PROFILE`; none where it is not set or empty.
using Variables = AwsVariables;

/// The settings of one profile, both files taken together: what is in the credentials file counts
/// more than what is in the configuration file, as in every SDK.
using Profile = std::map<std::string, std::string, std::less<>>;

/// AWS's shared files, `~/.aws/credentials` and `~/.aws/config`, or where
/// `AWS_SHARED_CREDENTIALS_FILE` and `AWS_CONFIG_FILE` say.
///
/// Source: "Shared config and credentials files", AWS SDKs and Tools Reference Guide.
class SharedConfig {
public:
    /// Reads both files as far as they exist. An unreadable file is a configuration error.
    [[nodiscard]] static Result<SharedConfig> load(const Variables& variables);

    /// The profile of that name; none where neither file has it.
    [[nodiscard]] const Profile* find(std::string_view name) const;

private:
    void read(std::string_view text, bool is_config_file);

    std::map<std::string, Profile, std::less<>> profiles_;
};

/// The profile in force: `AWS_PROFILE`, else `default`.
[[nodiscard]] std::string profile_name(const Variables& variables);

/// A setting of that profile; none where it has none, or the files cannot be read, which is told
/// with the credentials.
[[nodiscard]] std::optional<std::string> profile_setting(const Variables& variables,
                                                         std::string_view key);

/// A small file's text, such as a token's. **Errors**: configuration, with the path.
[[nodiscard]] Result<std::string> read_small_file(const std::string& path);

}  // namespace rococo::messaging::sqs
