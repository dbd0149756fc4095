// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/host_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <utility>

#include "log_writer.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"

namespace rococo::svchost {

namespace {

using spdlog::level::level_enum;
using Line = spdlog::details::log_msg;
using Buffer = spdlog::memory_buf_t;

level_enum to_spdlog(int level) {
    return static_cast<level_enum>(level_enum::debug + std::clamp(level, 0, 4));
}

/// Level names as Python has them.
std::string_view level_name(level_enum level) {
    constexpr std::array<std::string_view, 7> kNames{"DEBUG", "DEBUG",    "INFO",    "WARNING",
                                                     "ERROR", "CRITICAL", "CRITICAL"};
    return kNames.at(level);
}

}  // namespace

std::string_view level_name(LogLevel level) {
    return level_name(to_spdlog(static_cast<int>(level)));
}

LogLevel log_level(std::string_view name) {
    for (const LogLevel level :
         {LogLevel::debug, LogLevel::warning, LogLevel::error, LogLevel::critical})
        if (name == level_name(level)) return level;
    return LogLevel::info;
}

std::string_view module_of(std::string_view file) {
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
    return file.substr(0, file.rfind('.'));
}

namespace {

std::string_view module_of(const Line& line) {
    const char* const file = line.source.filename;
    return svchost::module_of(file == nullptr ? std::string_view() : file);
}

void append(Buffer& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

void write_level(const Line& line, Buffer& out) { append(out, level_name(line.level)); }

/// Coloured from WARNING up.
void write_coloured_level(const Line& line, Buffer& out) {
    if (line.level < level_enum::warn) return write_level(line, out);
    append(out, line.level == level_enum::warn ? "\x1b[33m" : "\x1b[1;31m");
    write_level(line, out);
    append(out, "\x1b[0m");
}

void write_module(const Line& line, Buffer& out) { append(out, module_of(line)); }

/// A JSON line except for its time.
void write_json(const Line& line, Buffer& out) {
    nlohmann::ordered_json fields;
    fields["level"] = level_name(line.level);
    fields["module"] = module_of(line);
    fields["line"] = line.source.line;
    fields["message"] = std::string(line.payload.data(), line.payload.size());
    const std::string text = printable_json(
        fields.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    append(out, std::string_view(text).substr(1));  // the brace is in the pattern
}

/// A part of a line that one of these functions writes.
class Flag final : public spdlog::custom_flag_formatter {
public:
    using Write = void (*)(const Line& line, Buffer& out);
    explicit Flag(Write write) : write_(write) {}
    void format(const Line& line, const std::tm& /*time*/, Buffer& out) override {
        write_(line, out);
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<Flag>(write_);
    }

private:
    Write write_;
};

std::unique_ptr<spdlog::formatter> formatter(LogFormat format) {
    const bool json = format == LogFormat::json;
    auto result = std::make_unique<spdlog::pattern_formatter>(
        json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local, "\n");
    result->add_flag<Flag>('*', has_colours(STDERR_FILENO) ? &write_coloured_level : &write_level)
        .add_flag<Flag>('~', &write_module)
        .add_flag<Flag>('&', &write_json);
    result->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%&)"
                             : "%Y-%m-%d %H:%M:%S,%e [%*] %~:%# - %v");
    return result;
}

}  // namespace

bool has_colours(int descriptor) {
    const auto variable = [](const char* name) -> std::string_view {
        const char* value = std::getenv(name);
        return value == nullptr ? "" : value;
    };
    return variable("NO_COLOR").empty() && variable("TERM") != "dumb" && ::isatty(descriptor) == 1;
}

/// Formats lines on the caller's thread; another thread writes them.
class HostLog::QueuedSink final : public spdlog::sinks::sink {
public:
    explicit QueuedSink(LogFormat format)
        : formatter_(formatter(format)),
          writer_({.notice = [own = std::shared_ptr(formatter(format))](const std::string& text) {
              const spdlog::source_loc here(__FILE__, __LINE__, "");
              spdlog::memory_buf_t line;
              own->format(spdlog::details::log_msg(here, "svchost", level_enum::warn, text), line);
              return std::string(line.data(), line.size());
          }}) {}

    void log(const spdlog::details::log_msg& message) override {
        auto lock = writer_.lock();  // the formatter remembers the time of the last line
        line_.clear();
        formatter_->format(message, line_);
        writer_.push(std::move(lock), {line_.data(), line_.size()});
    }
    void write_plain(std::string_view line) { writer_.push(writer_.lock(), line); }
    void flush() override { writer_.flush(kFlushTime); }
    void set_pattern(const std::string& pattern) override {
        set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern));
    }
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
        formatter_ = std::move(formatter);
    }

private:
    static constexpr std::chrono::milliseconds kFlushTime{1'000};

    std::unique_ptr<spdlog::formatter> formatter_;
    spdlog::memory_buf_t line_;
    LogWriter writer_;
};

HostLog::HostLog(LogLevel level, LogFormat format)
    : format_(format),
      queued_(std::make_shared<QueuedSink>(format)),
      spdlog_(std::make_shared<spdlog::logger>("svchost", queued_)),
      sink_{this, &HostLog::enabled, &HostLog::write} {
    spdlog_->set_level(to_spdlog(static_cast<int>(level)));
}

HostLog::~HostLog() = default;

void HostLog::log_lines(LogLevel level, std::string_view module, unsigned line,
                        std::string_view text) {
    const bool whole = format_ == LogFormat::json;
    const std::string_view first = whole ? text : text.substr(0, text.find('\n'));
    const std::string file(module);
    write(this, static_cast<int>(level), file.c_str(), line, first.data(), first.size());
    if (whole || first.size() == text.size() || !enabled(this, static_cast<int>(level))) return;
    for (const std::string_view more : split(text.substr(first.size() + 1), '\n'))
        pass_on("stderr", more);
}

void HostLog::pass_on(std::string_view stream, std::string_view line) {
    if (format_ == LogFormat::json) {
        nlohmann::ordered_json fields;
        fields["time"] = format_utc(RealClock().now(), Decimals::always);
        fields["stream"] = stream;
        fields["message"] = line;
        queued_->write_plain(
            fields.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    } else {
        queued_->write_plain(printable(line, LineBreaks::keep) + "\n");
    }
}

void HostLog::set_level(LogLevel level) { spdlog_->set_level(to_spdlog(static_cast<int>(level))); }

LogLevel HostLog::level() const {
    return static_cast<LogLevel>(spdlog_->level() - level_enum::debug);
}

void HostLog::flush() { spdlog_->flush(); }

void HostLog::flush_any(std::chrono::milliseconds timeout) noexcept {
    LogWriter::flush_any(timeout);
}

bool HostLog::enabled(void* self, int level) {
    return static_cast<HostLog*>(self)->spdlog_->should_log(to_spdlog(level));
}

void HostLog::write(void* self, int level, const char* file, unsigned line, const char* text,
                    std::size_t text_size) {
    // Services call this through the C ABI, which no exception may cross. If memory runs out, the
    // line is lost.
    try {
        HostLog& log = *static_cast<HostLog*>(self);
        if (!enabled(self, level)) return;
        const std::string_view view(text, text_size);
        log.ring_.add({.at = RealClock().now(),
                       .level = static_cast<LogLevel>(std::clamp(level, 0, 4)),
                       .module = std::string(module_of(file == nullptr ? "" : file)),
                       .text = std::string(view.substr(0, LogRing::kMostBytes))});
        const spdlog::source_loc where(file, static_cast<int>(line), "");
        // JSON does its own escaping, which programs can undo.
        if (log.format_ == LogFormat::json || is_plain(view)) {
            log.spdlog_->log(where, to_spdlog(level), spdlog::string_view_t(text, text_size));
        } else {
            log.spdlog_->log(where, to_spdlog(level), spdlog::string_view_t(printable(view)));
        }
    } catch (...) {  // NOLINT(bugprone-empty-catch): nobody to report it to
    }
}

}  // namespace rococo::svchost
