// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/random.hpp"

namespace rococo::messaging {

/// Looks up a variable such as `AWS_PROFILE`; empty if it is unset or empty.
using AwsVariables = std::function<std::optional<std::string>(std::string_view name)>;

/// Reads the process's environment.
[[nodiscard]] AwsVariables process_environment();

/// How to connect to SQS and how to consume. Empty fields are filled from `variables`, under the
/// names that all AWS SDKs use, and from the shared files.
struct SqsSettings {
    /// Used for settings without a field here (`AWS_WEB_IDENTITY_TOKEN_FILE`, `HOME`, …) and for
    /// empty fields. Also called from the thread that fetches credentials.
    AwsVariables variables = process_environment();

    std::string region;         ///< `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the profile's.
    std::string access_key_id;  ///< `AWS_ACCESS_KEY_ID`
    std::string secret_access_key;  ///< `AWS_SECRET_ACCESS_KEY`, else `AWS_ACCESS_KEY_SECRET`
    std::string session_token;      ///< `AWS_SESSION_TOKEN`
    std::string profile;            ///< `AWS_PROFILE`
    std::string endpoint_url;       ///< `AWS_ENDPOINT_URL_SQS`, else `AWS_ENDPOINT_URL`
    std::string ca_bundle;          ///< `AWS_CA_BUNDLE`: PEM file; if empty, the system's.

    /// Whether to create a queue given by name if it does not exist, as the original does. A queue
    /// given by URL or ARN, or of another account, is never created.
    bool create_queue = true;

    /// How long a received message is hidden from others, from 1 s to 12 h in whole seconds;
    /// extended while it is being processed. Empty or zero: the queue's own setting (30 s by
    /// default).
    std::optional<std::chrono::seconds> visibility_timeout;

    /// How long an idle poll waits for messages: 0 to 20 s.
    std::chrono::seconds listen_interval{20};

    /// Concurrent polls under load, each for up to 10 messages. An idle host uses one.
    std::size_t max_polls = 10;

    /// How long an incomplete batch of deletes or visibility changes waits to be filled.
    std::chrono::milliseconds batch_linger{5};

    std::chrono::milliseconds connect_timeout{3100};
    std::chrono::milliseconds request_timeout{10'000};  ///< On top of `listen_interval` for polls.
    std::chrono::milliseconds open_timeout{30'000};     ///< Total for all tries of `open`.
    std::chrono::milliseconds send_timeout{30'000};     ///< Total for all tries of one `send`.

    /// The first and the longest pause between tries. Each pause is random, between zero and its
    /// limit.
    std::chrono::milliseconds first_backoff{100};
    std::chrono::milliseconds longest_backoff{20'000};
};

}  // namespace rococo::messaging
