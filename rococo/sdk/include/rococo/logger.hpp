// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <source_location>
#include <type_traits>
#include <utility>

namespace rococo {

/// How much a log line matters. The values are those of `rococo_log_level` in the C ABI.
enum class LogLevel : int { debug = 0, info = 1, warning = 2, error = 3, critical = 4 };

namespace detail {

/// A format string, checked at compile time, that remembers where it was written.
template <typename... Args>
struct LocatedFormat {
    template <typename String>
    consteval LocatedFormat(const String& text,  // NOLINT(google-explicit-constructor)
                            std::source_location where = std::source_location::current())
        : format(text), location(where) {}

    fmt::format_string<Args...> format;
    std::source_location location;
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
        log(LogLevel::debug, text.location, text.format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void info(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log(LogLevel::info, text.location, text.format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void warning(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log(LogLevel::warning, text.location, text.format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void error(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log(LogLevel::error, text.location, text.format, std::forward<Args>(args)...);
    }
    template <typename... Args>
    void critical(detail::LocatedFormat<std::type_identity_t<Args>...> text, Args&&... args) const {
        log(LogLevel::critical, text.location, text.format, std::forward<Args>(args)...);
    }

    /// Whether a line of this level would be written: ask before preparing something expensive.
    [[nodiscard]] bool enabled(LogLevel level) const {
        return sink_ != nullptr && sink_->enabled(sink_->self, static_cast<int>(level));
    }

private:
    template <typename... Args>
    void log(LogLevel level, const std::source_location& where, fmt::format_string<Args...> format,
             Args&&... args) const {
        if (!enabled(level)) return;
        fmt::memory_buffer line;
        fmt::format_to(fmt::appender(line), format, std::forward<Args>(args)...);
        sink_->write(sink_->self, static_cast<int>(level), where.file_name(), where.line(),
                     line.data(), line.size());
    }

    const Sink* sink_ = nullptr;
};

}  // namespace rococo
