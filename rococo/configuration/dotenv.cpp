// SPDX-License-Identifier: MIT
#include "rococo/configuration/dotenv.hpp"

#include <algorithm>
#include <map>

#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/base/utf8.hpp"
#include "text_file.hpp"

namespace rococo {
namespace {

/// Limits the errors reported for a file that is garbage.
constexpr std::size_t kMostErrors = 20;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_name_start(char c) { return is_letter(c) || c == '_'; }

bool is_name_part(char c) { return is_name_start(c) || is_digit(c) || c == '.' || c == '-'; }

std::string escaped_byte(unsigned char byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    return std::string("0x") + kDigits[byte >> 4U] + kDigits[byte & 15U];
}

/// Whether a value contains `${NAME}`, which other `.env` parsers would expand.
bool has_reference(std::string_view value) {
    for (std::size_t at = value.find("${"); at != std::string_view::npos;
         at = value.find("${", at + 2)) {
        std::size_t end = at + 2;
        while (end < value.size() && is_name_part(value[end])) ++end;
        if (end > at + 2 && end < value.size() && value[end] == '}') return true;
    }
    return false;
}

/// Word processors put “ ” „ ‘ ’ where " and ' were typed.
bool is_typographic_quote(std::string_view character) {
    return character == "\u201c" || character == "\u201d" || character == "\u201e" ||
           character == "\u2018" || character == "\u2019";
}

/// Reads a file in one pass, character by character. An error skips only its line.
class Parser {
public:
    Parser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

    tl::expected<Dotenv, DotenvErrors> run() {
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
        if (text_.starts_with(kByteOrderMark)) text_.remove_prefix(kByteOrderMark.size());
        if (check_bytes()) {
            while (at_ < text_.size() && errors_.size() < kMostErrors) read_line();
        }
        if (!errors_.empty()) return tl::unexpected(std::move(errors_));
        return std::move(result_);
    }

private:
    /// Rejects anything that is not UTF-8 text, with the specific reason.
    bool check_bytes() {
        if (text_.starts_with("\xFF\xFE") || text_.starts_with("\xFE\xFF")) {
            error(1, "is UTF-16; save it as UTF-8");
            return false;
        }
        const auto line_of = [this](std::size_t offset) {
            return static_cast<std::size_t>(std::ranges::count(text_.substr(0, offset), '\n')) + 1;
        };
        if (const std::size_t nul = text_.find('\0'); nul != std::string_view::npos) {
            error(line_of(nul), "contains a NUL byte; is it a text file?");
            return false;
        }
        if (const auto offset = find_invalid_utf8(text_)) {
            const auto byte = static_cast<unsigned char>(text_[*offset]);
            error(line_of(*offset), "is not UTF-8 (byte " + escaped_byte(byte) + ")");
            return false;
        }
        return true;
    }

    void read_line() {
        skip_blanks();
        if (at_line_end() || peek() == '#') return skip_line();
        const std::size_t name_line = line_;
        skip_export();
        const std::string name = take_name();
        if (name.empty()) {
            error(name_line,
                  "expected NAME=value, but found no name made of letters, digits and _");
            return skip_line();
        }
        skip_blanks();
        if (peek() != '=' || at_ == text_.size()) {
            error(name_line, "expected = after " + name + ", as in " + name + "=value");
            return skip_line();
        }
        ++at_;
        skip_blanks();
        if (auto value = take_value(name, name_line)) add(name, std::move(*value), name_line);
        skip_line();
    }

    std::optional<std::string> take_value(const std::string& name, std::size_t name_line) {
        if (at_line_end()) return std::string{};
        const char quote = peek();
        if (quote != '"' && quote != '\'') return take_bare(name);
        ++at_;
        auto value = quote == '"' ? take_double_quoted() : take_single_quoted();
        if (!value) {
            error(name_line, "the quote that opens the value of " + name + " is not closed" +
                                 (quote == '\'' ? " on its line" : ""));
            return std::nullopt;
        }
        if (quote == '"' && has_reference(*value)) warn_reference(name, name_line);
        const bool blank_follows = at_ < text_.size() && is_blank(peek());
        skip_blanks();
        if (at_line_end() || (blank_follows && peek() == '#')) return value;
        error(line_, "text after the closing quote of " + name +
                         "; put the whole value into quotes, or write \\\" inside double ones");
        return std::nullopt;
    }

    /// Reads up to the end of the line or a comment, whose # must follow a space.
    std::string take_bare(const std::string& name) {
        const std::size_t start = at_;
        while (!at_line_end() && (peek() != '#' || !is_blank(text_[at_ - 1]))) ++at_;
        std::string_view value = text_.substr(start, at_ - start);
        while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
        if (is_typographic_quote(value.substr(0, 3))) {
            warn(line_, name +
                            " begins with a typographic quote, which belongs to the value; "
                            "write \" or '");
        }
        if (has_reference(value)) warn_reference(name, line_);
        return std::string(value);
    }

    std::optional<std::string> take_single_quoted() {
        const std::size_t start = at_;
        while (!at_line_end() && peek() != '\'') ++at_;
        if (at_line_end()) return std::nullopt;
        return std::string(text_.substr(start, at_++ - start));
    }

    std::optional<std::string> take_double_quoted() {
        std::string value;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return value;
            if (c == '\n') ++line_;
            if (c == '\r' && at_ < text_.size() && peek() == '\n') continue;
            if (c == '\\' && at_ < text_.size()) {
                take_escape(value);
            } else {
                value += c;
            }
        }
        return std::nullopt;
    }

    /// Handles the character after a backslash. Unknown escapes are kept, including the backslash.
    void take_escape(std::string& value) {
        const char c = peek();
        switch (c) {
            case 'n':
                value += '\n';
                break;
            case 'r':
                value += '\r';
                break;
            case 't':
                value += '\t';
                break;
            case '"':
            case '\\':
            case '$':
                value += c;
                break;
            default:
                value += '\\';
                return;
        }
        ++at_;
    }

    void add(const std::string& name, std::string value, std::size_t line) {
        const auto [known, is_new] = index_.try_emplace(name, result_.entries.size());
        if (is_new) {
            result_.entries.push_back({name, std::move(value), line});
            return;
        }
        DotenvEntry& entry = result_.entries[known->second];
        warn(line, name + " was already set in line " + std::to_string(entry.line) +
                       "; this value is used");
        entry.value = std::move(value);
        entry.line = line;
    }

    std::string take_name() {
        const std::size_t start = at_;
        if (at_ < text_.size() && is_name_start(peek())) {
            while (at_ < text_.size() && is_name_part(peek())) ++at_;
        }
        return std::string(text_.substr(start, at_ - start));
    }

    void skip_export() {
        constexpr std::string_view kExport = "export";
        if (!text_.substr(at_).starts_with(kExport)) return;
        const std::size_t after = at_ + kExport.size();
        if (after >= text_.size() || !is_blank(text_[after])) return;
        const std::size_t start = at_;
        at_ = after;
        skip_blanks();
        // A variable that is itself named export, with spaces before its =.
        if (at_ < text_.size() && peek() == '=') at_ = start;
    }

    void skip_blanks() {
        while (at_ < text_.size() && is_blank(peek())) ++at_;
    }

    void skip_line() {
        const std::size_t end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
        ++line_;
    }

    /// The next character; a line feed at the end of the text.
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }

    [[nodiscard]] bool at_line_end() const {
        const char c = peek();
        if (c != '\r') return c == '\n';
        return at_ + 1 == text_.size() || text_[at_ + 1] == '\n';
    }

    [[nodiscard]] std::string place(std::size_t line) const {
        return std::string(file_) + ":" + std::to_string(line) + ": ";
    }
    void error(std::size_t line, const std::string& what) {
        errors_.push_back({ErrorKind::configuration, place(line) + what});
    }
    void warn(std::size_t line, const std::string& what) {
        result_.warnings.push_back(place(line) + what);
    }
    void warn_reference(const std::string& name, std::size_t line) {
        warn(
            line,
            name +
                " contains ${…}, which is not expanded; use single quotes to silence this warning");
    }

    std::string_view text_;
    std::string_view file_;
    std::size_t at_ = 0;
    std::size_t line_ = 1;
    Dotenv result_;
    DotenvErrors errors_;
    std::map<std::string, std::size_t, std::less<>> index_;
};

}  // namespace

tl::expected<Dotenv, DotenvErrors> parse_dotenv(std::string_view text, std::string_view file) {
    return Parser(text, file).run();
}

tl::expected<std::optional<Dotenv>, DotenvErrors> read_dotenv(const std::filesystem::path& file) {
    auto text = read_text_file(file);
    if (!text) return tl::unexpected(DotenvErrors{std::move(text.error())});
    if (!*text) return std::optional<Dotenv>{};
    ROCOCO_ASSIGN_OR_RETURN(auto parsed, parse_dotenv(**text, file.string()));
    return std::optional<Dotenv>(std::move(parsed));
}

}  // namespace rococo
