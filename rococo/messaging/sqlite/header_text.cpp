// SPDX-License-Identifier: MIT
#include "header_text.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

namespace rococo::messaging::sqlite {

namespace {

constexpr std::string_view kPrefix = "x-rococo-";
constexpr std::string_view kEditedFrom = "edited-from";
constexpr std::array<std::string_view, 6> kProperties = {
    "content-encoding", "reply-to", "type", "app-id", "priority", kEditedFrom};

bool is_property(std::string_view name) {
    return name.starts_with(kPrefix) && std::find(kProperties.begin(), kProperties.end(),
                                                  name.substr(kPrefix.size())) != kProperties.end();
}

Headers properties_of(const OutgoingMessage& message) {
    Headers properties;
    const auto add = [&properties](std::string_view name, const std::string& value) {
        if (!value.empty())
            properties.emplace_back(std::string(kPrefix) + std::string(name), value);
    };
    add("content-encoding", message.content_encoding);
    add("reply-to", message.reply_to);
    add("type", message.type);
    add("app-id", message.app_id);
    if (message.priority) add("priority", std::to_string(*message.priority));
    return properties;
}

}  // namespace

Result<std::string> headers_to_text(const OutgoingMessage& message) {
    const Headers properties = properties_of(message);
    if (message.headers.empty() && properties.empty()) return std::string();
    auto list = nlohmann::json::array();
    for (const auto* headers : {&properties, &message.headers}) {
        for (const auto& [name, value] : *headers) list.push_back({name, value});
    }
    try {
        return list.dump();
    } catch (const nlohmann::json::type_error& error) {
        return failure(ErrorKind::usage,
                       std::string("A message's headers must be UTF-8: ") + error.what());
    }
}

Headers headers_from_text(std::string_view text) {
    if (text.empty()) return {};
    const auto list = nlohmann::json::parse(text, nullptr, false);
    Headers headers;
    if (!list.is_array()) return headers;
    for (const auto& pair : list) {
        if (pair.is_array() && pair.size() == 2 && pair[0].is_string() && pair[1].is_string()) {
            headers.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
        }
    }
    return headers;
}

std::string with_edited_from(std::string_view text, std::string_view id) {
    const auto name = std::string(kPrefix) + std::string(kEditedFrom);
    auto list = nlohmann::json::array();
    list.push_back({name, id});
    for (auto& [other, value] : headers_from_text(text))
        if (other != name) list.push_back({std::move(other), std::move(value)});
    return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Headers take_properties(Headers& headers) {
    const auto first =
        std::stable_partition(headers.begin(), headers.end(),
                              [](const auto& header) { return !is_property(header.first); });
    Headers properties(std::make_move_iterator(first), std::make_move_iterator(headers.end()));
    headers.erase(first, headers.end());
    for (auto& [name, value] : properties) name.erase(0, kPrefix.size());
    return properties;
}

}  // namespace rococo::messaging::sqlite
