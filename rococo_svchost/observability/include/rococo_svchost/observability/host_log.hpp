// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "rococo/logger.hpp"
#include "rococo_svchost/observability/log_ring.hpp"

namespace spdlog {
class logger;
}

namespace rococo::svchost {

/// Whether to write colours to this descriptor: it is a terminal, TERM is not `dumb`, and NO_COLOR
/// is unset or empty (https://no-color.org).
[[nodiscard]] bool has_colours(int descriptor);

/// The level of this name, as Python has them: `DEBUG`, `INFO`, `WARNING`, `ERROR`, `CRITICAL`;
/// `info` for any other.
[[nodiscard]] LogLevel log_level(std::string_view name);
[[nodiscard]] std::string_view level_name(LogLevel level);

/// What lines name a source file by: `processor` for `/src/service_example/processor.cpp`, as
/// Python names its module.
[[nodiscard]] std::string_view module_of(std::string_view file);

/// The format of lines.
enum class LogFormat {
    text,  ///< `2026-11-24 03:31:33,123 [INFO] service_processor_factory:33 - text`, local time.
    json,  ///< One object per line: `time` (UTC, RFC 3339), `level`, `module`, `line`, `message`.
};

/// The log of the process. Writes whole lines to standard error as soon as it accepts them.
///
/// A separate thread writes them, so logging never waits for a stalled or missing reader. Up to 4
/// MiB are queued; lines that do not fit are dropped, and a line says how many.
///
/// On a terminal, text lines have coloured levels from WARNING up (`has_colours`).
///
/// Control characters within a line are escaped (`\n`, `\x1b`; see `printable`), so that message
/// contents cannot forge a line or control a terminal; invalid UTF-8 is escaped too.
///
/// **Thread-safety**: its logger may be used from any thread.
/// **Ownership**: must outlive every logger created from it.
class HostLog {
public:
    HostLog(LogLevel level, LogFormat format);
    ~HostLog();
    HostLog(const HostLog&) = delete;
    HostLog& operator=(const HostLog&) = delete;

    /// A logger that writes here.
    [[nodiscard]] Logger logger() const { return Logger(&sink_); }
    /// The C functions behind the logger, passed to services.
    [[nodiscard]] const Logger::Sink& sink() const { return sink_; }

    /// A line of a process of ours, whose text may have several lines: in text, those after the
    /// first are written as they are.
    void log_lines(LogLevel level, std::string_view module, unsigned line, std::string_view text);
    /// What a process of ours printed to a stream: in text as it is, but for what could control a
    /// terminal; in JSON as the `message` of an object that names the `stream`.
    void pass_on(std::string_view stream, std::string_view line);

    /// From now on lines below this level are left out.
    void set_level(LogLevel level);
    [[nodiscard]] LogLevel level() const;
    /// The last lines.
    [[nodiscard]] const LogRing& ring() const { return ring_; }

    /// Waits up to a second until everything is written. Call it before ending the process without
    /// destructors; the destructor does it too.
    void flush();

    /// The same for the process's log, if there is one. Async-signal-safe.
    static void flush_any(std::chrono::milliseconds timeout) noexcept;

private:
    static bool enabled(void* self, int level);
    static void write(void* self, int level, const char* file, unsigned line, const char* text,
                      std::size_t text_size);

    class QueuedSink;

    LogFormat format_;
    std::shared_ptr<QueuedSink> queued_;
    std::shared_ptr<spdlog::logger> spdlog_;
    Logger::Sink sink_;
    LogRing ring_;
};

}  // namespace rococo::svchost
