// SPDX-License-Identifier: MIT
#include "shell_words.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rococo::svchost::programs {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
// What a backslash takes its meaning from within double quotes; before others it stands for itself.
constexpr std::string_view kEscapable = "\"\\$`";

/// Reads one word after the other.
class Words {
public:
    explicit Words(std::string_view text) : left_(text) {}

    Result<std::vector<std::string>> all() {
        std::vector<std::string> words;
        while (skip_blanks()) {
            if (!read_word())
                return failure(ErrorKind::configuration,
                               fmt::format("its {} has no end", unfinished_));
            words.push_back(word_);
        }
        return words;
    }

private:
    /// Whether anything is left after them.
    bool skip_blanks() {
        left_.remove_prefix(std::min(left_.find_first_not_of(kBlanks), left_.size()));
        return !left_.empty();
    }
    char take() {
        const char c = left_.front();
        left_.remove_prefix(1);
        return c;
    }
    bool read_word() {
        word_.clear();
        while (!left_.empty() && kBlanks.find(left_.front()) == std::string_view::npos) {
            const char c = take();
            if (c == '\'') {
                if (!read_single_quotes()) return false;
            } else if (c == '"') {
                if (!read_double_quotes()) return false;
            } else if (c == '\\') {
                unfinished_ = "last backslash";
                if (left_.empty()) return false;
                word_ += take();
            } else {
                word_ += c;
            }
        }
        return true;
    }
    bool read_single_quotes() {
        unfinished_ = "single quote";
        const std::size_t end = left_.find('\'');
        if (end == std::string_view::npos) return false;
        word_ += left_.substr(0, end);
        left_.remove_prefix(end + 1);
        return true;
    }
    bool read_double_quotes() {
        unfinished_ = "double quote";
        while (!left_.empty()) {
            const char c = take();
            if (c == '"') return true;
            const bool escapes = c == '\\' && !left_.empty() &&
                                 kEscapable.find(left_.front()) != std::string_view::npos;
            word_ += escapes ? take() : c;
        }
        return false;
    }

    std::string_view left_;
    std::string word_;
    std::string_view unfinished_;
};

}  // namespace

Result<std::vector<std::string>> shell_words(std::string_view text) { return Words(text).all(); }

}  // namespace rococo::svchost::programs
