// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "rococo/logger.hpp"

namespace spdlog {
class logger;
}

namespace rococo::svchost {

/// How lines look.
enum class LogFormat {
    text,  ///< `2026-11-24 03:31:33,123 [INFO] service_processor_factory:33 - text`, local time.
    json,  ///< One object a line: `time` (UTC, RFC 3339), `level`, `module`, `line`, `message`.
};

/// Where all lines of the process go: to standard error, each written at once and whole.
///
/// Control characters within a line are escaped (`\n`, `\x1b`), so that no message body can forge a
/// line or talk to a terminal; what is not UTF-8 is escaped too.
///
/// **Thread-safety**: its logger may be used from any thread.
/// **Ownership**: outlives every logger made from it.
class HostLog {
public:
    HostLog(LogLevel level, LogFormat format);
    ~HostLog();
    HostLog(const HostLog&) = delete;
    HostLog& operator=(const HostLog&) = delete;

    /// A logger that writes here.
    [[nodiscard]] Logger logger() const { return Logger(&sink_); }
    /// The C functions behind it: what a service is attached to.
    [[nodiscard]] const Logger::Sink& sink() const { return sink_; }

    /// Writes out what is buffered; before the process ends without running destructors.
    void flush();

private:
    static bool enabled(void* self, int level);
    static void write(void* self, int level, const char* file, unsigned line, const char* text,
                      std::size_t text_size);

    LogFormat format_;
    std::shared_ptr<spdlog::logger> spdlog_;
    Logger::Sink sink_;
};

/// The text with control characters, and bytes that are not UTF-8, escaped.
[[nodiscard]] std::string escape_control_characters(std::string_view text);

}  // namespace rococo::svchost
