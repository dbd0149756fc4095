// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace rococo {

/// A log line's severity. The values match `rococo_log_level` in the C ABI.
enum class LogLevel : int { debug = 0, info = 1, warning = 2, error = 3, critical = 4 };

namespace detail {

/// A format string, checked at compile time, that records its source location. It uses the
/// compiler's built-ins because clang before version 16 lacks std::source_location.
template <typename... Args>
struct LocatedFormat {
    template <typename String>
    consteval LocatedFormat(const String& text,  // NOLINT(google-explicit-constructor)
                            const char* written_in = __builtin_FILE(),
                            unsigned at_line = __builtin_LINE())
        : format(text), file(written_in), line(at_line) {}

    fmt::format_string<Args...> format;
    const char* file;
    unsigned line;
};

}  // namespace detail

/// Writes log lines: `logger.info("Received {} bytes", size)`.
///
/// A logger is two pointers and is cheap to copy. Each line records the source file and line
/// number. A line below the current level costs one function call and is not formatted.
///
/// **Thread-safety**: that of its sink. The host's sink may be used from any thread.
class Logger {
public:
    /// Where the lines go: two C functions, because a logger crosses the boundary between host and
    /// service.
    struct Sink {
        void* self;
        bool (*enabled)(void* self, int level);
        void (*write)(void* self, int level, const char* file, unsigned line, const char* text,
                      std::size_t text_size);
    };

    /// A logger that drops every line.
    Logger() = default;
    explicit Logger(const Sink* sink) : sink_(sink) {}

    template <typename... Args>
    void debug(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log<Args...>(LogLevel::debug, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void info(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log<Args...>(LogLevel::info, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void warning(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log<Args...>(LogLevel::warning, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void error(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log<Args...>(LogLevel::error, text, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void critical(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log<Args...>(LogLevel::critical, text, std::forward<Args>(args)...);
    }

    /// Whether lines of this level are written. Check it before preparing an expensive line.
    [[nodiscard]] bool enabled(LogLevel level) const {
        return sink_ != nullptr && sink_->enabled(sink_->self, static_cast<int>(level));
    }

private:
    template <typename... Args>
    void log(LogLevel level, const detail::LocatedFormat<std::type_identity_t<Args>...>& text,
             Args&&... args) const {
        if (!enabled(level)) return;
        // Not format_to: it would compile all of fmt into every source file that logs.
        const std::string line = fmt::vformat(text.format, fmt::make_format_args(args...));
        sink_->write(sink_->self, static_cast<int>(level), text.file, text.line, line.data(),
                     line.size());
    }

    const Sink* sink_ = nullptr;
};

}  // namespace rococo
