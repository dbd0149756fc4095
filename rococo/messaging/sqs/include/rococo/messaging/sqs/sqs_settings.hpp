// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rococo::messaging {

/// The value of a variable such as `AWS_PROFILE`; none where it is not set or empty.
using AwsVariables = std::function<std::optional<std::string>(std::string_view name)>;

/// Variables of the process itself.
[[nodiscard]] AwsVariables process_environment();

/// Where random numbers come from: for jitter, ids and nothing secret. 64 even bits a call.
using RandomBits = std::function<std::uint64_t()>;

/// Random bits of the machine (a generator seeded by it; any thread may call it).
[[nodiscard]] RandomBits machine_random();

/// How to reach SQS and how to treat messages there. What is left empty comes from `variables`, by
/// the names that every AWS SDK uses, and from the shared files.
struct SqsSettings {
    /// Looked up for all that has no field here (`AWS_WEB_IDENTITY_TOKEN_FILE`, `HOME`, …) and for
    /// the fields that are empty.
    AwsVariables variables = process_environment();

    std::string region;         ///< `AWS_REGION`, else `AWS_DEFAULT_REGION`, else the profile's.
    std::string access_key_id;  ///< `AWS_ACCESS_KEY_ID`
    std::string secret_access_key;  ///< `AWS_SECRET_ACCESS_KEY`, else `AWS_ACCESS_KEY_SECRET`
    std::string session_token;      ///< `AWS_SESSION_TOKEN`
    std::string profile;            ///< `AWS_PROFILE`
    std::string endpoint_url;       ///< `AWS_ENDPOINT_URL_SQS`, else `AWS_ENDPOINT_URL`
    std::string ca_bundle;          ///< `AWS_CA_BUNDLE`: PEM file; the system's where empty.

    /// Whether a queue given by name is created where it is absent, as the original does. A queue
    /// given by URL or ARN never is, nor is another account's.
    bool create_queue = true;

    /// For how long a received message is hidden from others; extended while it is in hand. None:
    /// what the queue itself says (30 s by default). 1 s to 12 h, whole seconds.
    std::optional<std::chrono::seconds> visibility_timeout;

    /// How long an idle poll waits for messages: 0 to 20 s.
    std::chrono::seconds listen_interval{20};

    /// Polls at the same time under load, each of 10 messages at most. An idle host has one.
    std::size_t max_polls = 10;

    /// How long a batch of deletes or visibility changes that is not full waits for more.
    std::chrono::milliseconds batch_linger{5};

    std::chrono::milliseconds connect_timeout{3100};
    std::chrono::milliseconds request_timeout{10'000};  ///< On top of `listen_interval` for polls.
    std::chrono::milliseconds open_timeout{30'000};     ///< Tries of `open` in all.
    std::chrono::milliseconds send_timeout{30'000};     ///< Tries of one `send` in all.

    /// First and longest pause between tries; each is drawn evenly from zero to its bound.
    std::chrono::milliseconds first_backoff{100};
    std::chrono::milliseconds longest_backoff{20'000};
};

}  // namespace rococo::messaging
