// SPDX-License-Identifier: MIT
// SQS's answers over any bytes: no crash, and what becomes of a message keeps SQS's limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "aws_answer.hpp"
#include "message_codec.hpp"
#include "sqs_answers.hpp"

namespace {

using namespace rococo::messaging::sqs;
using rococo::messaging::Delivery;

void require(bool condition) {
    if (!condition) std::abort();
}

DeadLetterNote note_for(const Delivery& delivery) {
    DeadLetterNote note;
    note.id = std::string(delivery.id);
    note.queue = "orders";
    note.reason = "permanent-error";
    note.error = std::string(delivery.body.substr(0, 4096));
    note.attempts = delivery.attempt;
    return note;
}

/// What is sent on keeps SQS's limits wherever what came kept them.
void check_copy(const ReceivedMessage& from, const OutboundMessage& copy) {
    require(copy.body == from.body);
    if (from.attributes.size() <= kMaxAttributes && from.bytes() <= kMaxMessageBytes) {
        require(copy.attributes.size() <= kMaxAttributes);
    }
}

void check_message(const ReceivedMessage& message) {
    static_cast<void>(damaged_part(message));
    require(message.receive_count >= 1 && message.sent_at >= rococo::SystemTime());
    const SqsDelivery delivery(message, "orders", 1);
    for (const auto& header : delivery.headers) require(!header.name.starts_with("x-rococo-"));
    const auto note = note_for(delivery);
    const auto letter = encode_dead_letter(message, note, true);
    check_copy(message, letter);
    require(letter.bytes() <= kMaxMessageBytes || message.bytes() > kMaxMessageBytes);
    ReceivedMessage dead = message;
    dead.attributes = letter.attributes;
    static_cast<void>(decode_dead_letter(dead, "orders"));
    check_copy(message, encode_requeued(dead, true));
}

void check_outcomes(const nlohmann::json& document) {
    constexpr std::size_t kEntries = 10;
    auto outcomes = read_outcomes(document, kEntries);
    require(outcomes.size() == kEntries);
    check_digests(document, std::vector<std::pair<std::string, std::string>>(kEntries), outcomes);
    for (const auto& outcome : outcomes) require(!(outcome.done() && outcome.passing()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    HttpAnswer answer;
    constexpr int kStatuses[] = {200, 200, 200, 400, 403, 429, 500, 307};
    answer.status = kStatuses[data[0] % 8];
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    // The first line is a header's value where it begins with `#`.
    const auto line = text.starts_with('#') ? text.substr(1, text.find('\n') - 1) : "";
    answer.headers = {{"x-amzn-query-error", std::string(line)},
                      {"date", std::string(line)},
                      {"location", std::string(line)}};
    answer.body = text.substr(line.empty() ? 0 : std::min(line.size() + 2, text.size()));
    static_cast<void>(answer_date(answer));
    const auto result =
        read_answer(answer, {"ReceiveMessage", "orders", "http://h", "r", "K", "s"});
    if (!result) {
        require(!result.error().error.message.empty());
        return 0;
    }
    for (const auto& message : read_messages(*result)) check_message(message);
    check_outcomes(*result);
    return 0;
}
