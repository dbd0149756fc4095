// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

namespace rococo {

/// How much a log line matters. The values are those of `rococo_log_level` in the C ABI.
enum class LogLevel : int { debug = 0, info = 1, warning = 2, error = 3, critical = 4 };

namespace detail {

/// A format string, checked at compile time, that remembers where it was written. (By the built-in
/// functions behind std::source_location, which clang before version 16 does not have.)
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
/// A logger is two pointers to whoever writes the lines, copied freely. Each line carries the file
/// and the number of the line that logs. A line below the level in force costs one call and formats
/// nothing.
///
/// **Thread-safety**: as that of its sink; the host's is safe from any thread.
class Logger {
public:
    /// Whoever writes the lines: two C functions, since a logger crosses the service's boundary.
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

    /// Whether a line of this level would be written: ask before preparing something expensive.
    [[nodiscard]] bool enabled(LogLevel level) const {
        return sink_ != nullptr && sink_->enabled(sink_->self, static_cast<int>(level));
    }

private:
    template <typename... Args>
    void log(LogLevel level, const detail::LocatedFormat<std::type_identity_t<Args>...>& text,
             Args&&... args) const {
        if (!enabled(level)) return;
        // Not format_to, which compiles all of fmt into every source that logs.
        const std::string line = fmt::vformat(text.format, fmt::make_format_args(args...));
        sink_->write(sink_->self, static_cast<int>(level), text.file, text.line, line.data(),
                     line.size());
    }

    const Sink* sink_ = nullptr;
};

}  // namespace rococo
