// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sqs_message.hpp"

namespace rococo::messaging::sqs {

// What SQS's JSON answers say. Nothing in them is taken for granted: fields that are missing, or of
// another type, count as empty.

/// What became of one entry of a batch.
struct EntryOutcome {
    enum class State { done, failed, unanswered };
    State state = State::unanswered;
    std::string code;     ///< `failed` only.
    std::string message;  ///< `failed` only.
    bool our_fault = false;

    [[nodiscard]] bool done() const { return state == State::done; }
    /// Retrying cannot help: the receipt handle is no longer valid.
    [[nodiscard]] bool stale() const;
    /// Trying again may help.
    [[nodiscard]] bool passing() const;
};

using Outcomes = std::vector<EntryOutcome>;

/// The messages of an answer to ReceiveMessage.
[[nodiscard]] std::vector<ReceivedMessage> read_messages(const nlohmann::json& document);

/// What became of the entries of a batch, in its order; those that the answer does not mention are
/// unanswered.
[[nodiscard]] Outcomes read_outcomes(const nlohmann::json& document, std::size_t entries);

/// A copy that arrived damaged is sent again: the MD5s in an answer to SendMessageBatch must be
/// those of what was sent (of the body, and of the attributes; empty where there are none).
void check_digests(const nlohmann::json& document,
                   const std::vector<std::pair<std::string, std::string>>& md5s,
                   Outcomes& outcomes);

}  // namespace rococo::messaging::sqs
