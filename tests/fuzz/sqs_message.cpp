// SPDX-License-Identifier: MIT
// A message of any bytes, sent over SQS's rules and received again: it arrives as it was.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "message_codec.hpp"

namespace {

using namespace rococo::messaging::sqs;
using rococo::messaging::OutgoingMessage;

using Headers = std::vector<std::pair<std::string, std::string>>;

void require(bool condition) {
    if (!condition) std::abort();
}

std::string_view next(std::string_view& rest) {
    const auto end = std::min(rest.find('\0'), rest.size());
    const auto part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

bool arrives_as_a_header(std::string_view name) {
    return name != "MessageGroupId" && name != "MessageDeduplicationId" &&
           !name.starts_with("x-rococo-");
}

Headers headers_of(const rococo::messaging::Delivery& delivery) {
    Headers headers;
    for (const auto& header : delivery.headers) {
        if (arrives_as_a_header(header.name)) {
            headers.emplace_back(std::string(header.name), std::string(header.value));
        }
    }
    std::sort(headers.begin(), headers.end());
    return headers;
}

ReceivedMessage arrive(const OutboundMessage& sent) {
    require(sent.attributes.size() <= kMaxAttributes && sent.bytes() <= kMaxMessageBytes);
    require(!sent.body.empty() && is_sqs_text(sent.body));
    for (const auto& one : sent.attributes) {
        require(!one.value.empty() && (one.binary() || is_sqs_text(one.value)));
    }
    ReceivedMessage received;
    received.id = "m-1";
    received.body = sent.body;
    received.attributes = sent.attributes;
    received.group_id = sent.group_id;
    return received;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    OutgoingMessage message;
    message.id = next(rest);
    message.content_type = next(rest);
    message.correlation_id = next(rest);
    Headers wanted;
    for (auto name = next(rest); !name.empty(); name = next(rest)) {
        const auto value = next(rest);
        message.headers.emplace_back(std::string(name), std::string(value));
        if (arrives_as_a_header(name)) wanted.emplace_back(std::string(name), std::string(value));
    }
    std::sort(wanted.begin(), wanted.end());
    message.body = rest;
    // Bytes that are no text cannot travel in a header; that they become U+FFFD is documented.
    const bool text = is_sqs_text(message.id) && is_sqs_text(message.content_type) &&
                      is_sqs_text(message.correlation_id);
    const auto encoded = encode_message(message, true);
    if (!encoded || !text) return 0;
    const auto received = arrive(*encoded);
    const SqsDelivery delivery(received, "orders", 1);
    require(delivery.body == message.body);
    require(delivery.content_type == message.content_type);
    const bool plain = std::all_of(wanted.begin(), wanted.end(), [](const auto& header) {
        return is_sqs_text(header.first) && is_sqs_text(header.second);
    });
    require(!plain || headers_of(delivery) == wanted);

    DeadLetterNote note;
    note.id = std::string(delivery.id);
    const auto dead = arrive(encode_dead_letter(received, note, true));
    require(decode_dead_letter(dead, "orders").id == delivery.id);
    const auto again = arrive(encode_requeued(dead, true));
    const SqsDelivery second(again, "orders", 2);
    require(second.body == message.body && second.id == delivery.id);
    require(headers_of(second) == headers_of(delivery));
    return 0;
}
