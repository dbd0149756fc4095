// SPDX-License-Identifier: MIT
#include "header_text.hpp"

#include <nlohmann/json.hpp>

namespace rococo::messaging::sqlite {

Result<std::string> headers_to_text(const Headers& headers) {
    if (headers.empty()) return std::string();
    auto list = nlohmann::json::array();
    for (const auto& [name, value] : headers) list.push_back({name, value});
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

}  // namespace rococo::messaging::sqlite
