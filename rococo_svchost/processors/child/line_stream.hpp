// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace rococo::svchost::child {

/// Cuts what a process writes to a descriptor of ours, which never blocks, into lines.
class LineStream {
public:
    using OnLine = std::function<void(std::string_view line)>;

    /// Longer lines come in parts.
    static constexpr std::size_t kLongestLine = std::size_t{64} * 1024;

    /// Lines that begin with a brace may be longer, where they mean something.
    explicit LineStream(int descriptor, std::size_t longest_object = kLongestLine)
        : descriptor_(descriptor), longest_object_(longest_object) {}

    /// Takes what is there, up to a limit, so that others have their turn, and tells of each line,
    /// without its end. False: it has had that turn, and there may be more.
    bool read(const OnLine& on_line);
    /// Tells of a line whose end has not come and never will.
    void finish(const OnLine& on_line);

    [[nodiscard]] int descriptor() const { return descriptor_; }
    /// Until everybody who could write to it has closed it.
    [[nodiscard]] bool is_open() const { return open_; }

private:
    void cut(const OnLine& on_line, bool at_end);

    int descriptor_;
    std::size_t longest_object_;
    std::string begun_;         // a line whose end has not come
    std::size_t searched_ = 0;  // so much of it has no end in it
    bool open_ = true;
};

}  // namespace rococo::svchost::child
