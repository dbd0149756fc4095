// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/host_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "log_writer.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo_svchost/observability/colours.hpp"

namespace rococo::svchost {

namespace {

using spdlog::level::level_enum;

constexpr std::array kLevels = {level_enum::debug, level_enum::info, level_enum::warn,
                                level_enum::err, level_enum::critical};

level_enum to_spdlog(int level) {
    return kLevels.at(static_cast<std::size_t>(std::clamp(level, 0, 4)));
}

/// Level names as Python has them.
std::string_view level_name(level_enum level) {
    switch (level) {
        case level_enum::trace:
        case level_enum::debug:
            return "DEBUG";
        case level_enum::info:
            return "INFO";
        case level_enum::warn:
            return "WARNING";
        case level_enum::err:
            return "ERROR";
        default:
            return "CRITICAL";
    }
}

/// `processor` from `/src/service_example/processor.cpp`, which Python calls the module.
std::string_view module_of(std::string_view file) {
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
    return file.substr(0, file.rfind('.'));
}

/// Coloured from WARNING up, if colours are enabled.
class LevelFlag final : public spdlog::custom_flag_formatter {
public:
    explicit LevelFlag(bool colours) : colours_(colours) {}
    void format(const spdlog::details::log_msg& line, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        const auto append = [&out](std::string_view text) {
            out.append(text.data(), text.data() + text.size());
        };
        const bool coloured = colours_ && line.level >= level_enum::warn;
        if (coloured) append(line.level == level_enum::warn ? "\x1b[33m" : "\x1b[1;31m");
        append(level_name(line.level));
        if (coloured) append("\x1b[0m");
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<LevelFlag>(colours_);
    }

private:
    bool colours_;
};

class ModuleFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& line, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        const std::string_view module =
            module_of(line.source.filename == nullptr ? "" : line.source.filename);
        out.append(module.data(), module.data() + module.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<ModuleFlag>();
    }
};

/// A JSON line except for its time.
class JsonFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& line, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        nlohmann::ordered_json fields;
        fields["level"] = level_name(line.level);
        fields["module"] = module_of(line.source.filename == nullptr ? "" : line.source.filename);
        fields["line"] = line.source.line;
        fields["message"] = std::string(line.payload.data(), line.payload.size());
        const std::string text = printable_json(
            fields.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
        out.append(text.data() + 1, text.data() + text.size());  // the brace is in the pattern
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonFlag>();
    }
};

std::unique_ptr<spdlog::formatter> formatter(LogFormat format) {
    const bool json = format == LogFormat::json;
    auto result = std::make_unique<spdlog::pattern_formatter>(
        json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local, "\n");
    result->add_flag<LevelFlag>('*', has_colours(STDERR_FILENO))
        .add_flag<ModuleFlag>('~')
        .add_flag<JsonFlag>('&');
    result->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%&)"
                             : "%Y-%m-%d %H:%M:%S,%e [%*] %~:%# - %v");
    return result;
}

}  // namespace

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
        const HostLog& log = *static_cast<HostLog*>(self);
        const std::string_view view(text, text_size);
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
