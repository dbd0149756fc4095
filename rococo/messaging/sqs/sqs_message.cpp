// SPDX-License-Identifier: MIT
#include "sqs_message.hpp"

#include <algorithm>
#include <numeric>

#include "digest.hpp"
#include "rococo/base/utf8.hpp"

namespace rococo::messaging::sqs {
namespace {

void append_sized(std::string& bytes, std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        bytes += static_cast<char>((size >> shift) & 0xFFU);
    }
    bytes += text;
}

bool is_xml_character(char32_t point) {
    return point == 0x9 || point == 0xA || point == 0xD || (point >= 0x20 && point <= 0xD7FF) ||
           (point >= 0xE000 && point <= 0xFFFD) || (point >= 0x10000 && point <= 0x10FFFF);
}

}  // namespace

std::size_t OutboundMessage::bytes() const {
    return std::accumulate(attributes.begin(), attributes.end(), body.size(),
                           [](std::size_t sum, const auto& one) { return sum + one.bytes(); });
}

std::size_t ReceivedMessage::bytes() const {
    return std::accumulate(attributes.begin(), attributes.end(), body.size(),
                           [](std::size_t sum, const auto& one) { return sum + one.bytes(); });
}

std::string attributes_md5(const std::vector<MessageAttribute>& attributes) {
    std::vector<const MessageAttribute*> sorted;
    sorted.reserve(attributes.size());
    for (const auto& attribute : attributes) sorted.push_back(&attribute);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* left, const auto* right) { return left->name < right->name; });
    std::string bytes;
    for (const auto* attribute : sorted) {
        append_sized(bytes, attribute->name);
        append_sized(bytes, attribute->type);
        bytes += attribute->binary() ? '\2' : '\1';
        append_sized(bytes, attribute->value);
    }
    return md5_hex(bytes);
}

std::string_view damaged_part(const ReceivedMessage& message) {
    if (message.body_md5 != md5_hex(message.body)) return "body";
    if (message.attributes.empty() || message.attributes_md5.empty()) return {};
    return message.attributes_md5 == attributes_md5(message.attributes) ? "" : "attributes";
}

bool is_sqs_text(std::string_view text) {
    while (!text.empty()) {
        const auto character = utf8_character(text);
        if (!character.valid || !is_xml_character(character.code)) return false;
        text.remove_prefix(character.bytes);
    }
    return true;
}

}  // namespace rococo::messaging::sqs
