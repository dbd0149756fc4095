// SPDX-License-Identifier: MIT
#include "json_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <iterator>

#include "rococo/base/utf8.hpp"

namespace rococo::svchost::child {

void append_json(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const Utf8Character character = utf8_character(text);
        if (!character.valid) {
            out += "\\ufffd";
        } else if (character.code == '"' || character.code == '\\') {
            out += '\\';
            out += text.front();
        } else if (character.code < 0x20) {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", std::uint32_t{character.code});
        } else {
            out += text.substr(0, character.bytes);
        }
        text.remove_prefix(character.bytes);
    }
    out += '"';
}

}  // namespace rococo::svchost::child
