// SPDX-License-Identifier: MIT
#include "line_stream.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace rococo::svchost::child {

namespace {

// How much is read before others have their turn.
constexpr std::size_t kAtOnce = std::size_t{256} * 1024;

}  // namespace

bool LineStream::read(const OnLine& on_line) {
    std::array<char, std::size_t{64} * 1024>
        part;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (std::size_t read = 0; open_ && read < kAtOnce;) {
        const ssize_t got = ::read(descriptor_, part.data(), part.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return true;
        open_ = got > 0;
        begun_.append(part.data(), static_cast<std::size_t>(got));
        read += static_cast<std::size_t>(got);
        cut(on_line, !open_);
    }
    return !open_;
}

void LineStream::finish(const OnLine& on_line) { cut(on_line, true); }

void LineStream::cut(const OnLine& on_line, bool at_end) {
    std::string_view left = begun_;
    while (!left.empty()) {
        const std::size_t longest = left.front() == '{' ? longest_object_ : kLongestLine;
        const std::size_t end = left.find('\n', std::min(searched_, left.size()));
        if (end == std::string_view::npos && left.size() < longest && !at_end) {
            searched_ = left.size();
            break;
        }
        const std::string_view line = left.substr(0, std::min(end, longest));
        on_line(line);
        left.remove_prefix(std::min(left.size(), line.size() + (line.size() == end ? 1 : 0)));
        searched_ = 0;
    }
    begun_.erase(0, begun_.size() - left.size());
}

}  // namespace rococo::svchost::child
