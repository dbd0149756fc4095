// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rococo/base/utf8.hpp"

/// Makes untrusted text (ids, reasons, errors, headers, names, values) safe for terminals and log
/// files. Anything that a terminal would interpret, or that could disguise a line, becomes a
/// visible escape: control characters (C0, DEL, and C1, which some terminals interpret too),
/// bidirectional marks, line separators, and invalid UTF-8.
namespace rococo {

/// How `printable` treats line breaks and tabs.
enum class LineBreaks {
    escape,  ///< `\n`, `\r`, `\t`: for text within a line.
    keep,    ///< Keeps line feeds and tabs: for text that is printed as whole lines.
};

namespace detail {

/// Whether the character must not reach a terminal.
[[nodiscard]] constexpr bool is_unsafe(char32_t code) {
    if (code < 0x20 || (code >= 0x7F && code <= 0x9F)) return true;  // C0, DEL, C1
    if (code < 0x061C) return false;                                 // nearly all text
    return code == 0x061C || code == 0x200E || code == 0x200F ||     // direction marks
           (code >= 0x2028 && code <= 0x202E) ||                     // lines; overrides
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF ||   // isolates; byte order
           (code >= 0xFFF9 && code <= 0xFFFB) ||                     // annotations
           (code >= 0xE0000 && code <= 0xE007F);                     // tags
}

inline void append_hex(std::string& out, std::string_view prefix, std::uint32_t number,
                       std::size_t digits) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    out += prefix;
    for (std::size_t i = digits; i-- > 0;) out += kDigits[(number >> (4 * i)) & 0xFU];
}

inline void append_escaped(std::string& out, const Utf8Character& character) {
    if (character.valid && character.code == U'\n') {
        out += "\\n";
    } else if (character.valid && character.code == U'\r') {
        out += "\\r";
    } else if (character.valid && character.code == U'\t') {
        out += "\\t";
    } else if (!character.valid || character.code < 0x80) {
        append_hex(out, "\\x", character.code, 2);
    } else if (character.code <= 0xFFFF) {
        append_hex(out, "\\u", character.code, 4);
    } else {
        append_hex(out, "\\U", character.code, 8);
    }
}

}  // namespace detail

/// Whether every byte is printable ASCII. Nearly every line is, and then need not be copied.
[[nodiscard]] inline bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// The text with everything unsafe replaced by a visible escape: `\x1b`, `\u009b`, `\xff` for an
/// invalid byte. Text in any language is unchanged; so are backslashes, for readability.
[[nodiscard]] inline std::string printable(std::string_view text,
                                           LineBreaks line_breaks = LineBreaks::escape) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto character = utf8_character(text);
        const bool kept_break = line_breaks == LineBreaks::keep && character.valid &&
                                (character.code == U'\n' || character.code == U'\t');
        if (kept_break || (character.valid && !detail::is_unsafe(character.code))) {
            out += text.substr(0, character.bytes);
        } else {
            detail::append_escaped(out, character);
        }
        text.remove_prefix(character.bytes);
    }
    return out;
}

/// A JSON document with everything unsafe in its strings as JSON escapes; its value is unchanged.
/// Characters below U+0020 are not touched, because JSON does not allow them unescaped in strings.
[[nodiscard]] inline std::string printable_json(std::string_view document) {
    std::string out;
    out.reserve(document.size());
    while (!document.empty()) {
        const auto character = utf8_character(document);
        if (!character.valid) {
            out += "\\ufffd";
        } else if (character.code < 0x20 || !detail::is_unsafe(character.code)) {
            out += document.substr(0, character.bytes);
        } else if (character.code <= 0xFFFF) {
            detail::append_hex(out, "\\u", character.code, 4);
        } else {
            const char32_t above = character.code - 0x10000;
            detail::append_hex(out, "\\u", 0xD800 + (above >> 10U), 4);
            detail::append_hex(out, "\\u", 0xDC00 + (above & 0x3FFU), 4);
        }
        document.remove_prefix(character.bytes);
    }
    return out;
}

}  // namespace rococo
