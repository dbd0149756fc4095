// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/host_log.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

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

/// `processor` of `/src/service_example/processor.cpp`: what Python calls the module.
std::string_view module_of(std::string_view file) {
    file.remove_prefix(file.rfind('/') + 1);  // npos + 1 is 0
    return file.substr(0, file.rfind('.'));
}

class LevelFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& line, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        const std::string_view name = level_name(line.level);
        out.append(name.data(), name.data() + name.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<LevelFlag>();
    }
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

/// The whole of a JSON line but its time.
class JsonFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& line, const std::tm& /*time*/,
                spdlog::memory_buf_t& out) override {
        nlohmann::ordered_json fields;
        fields["level"] = level_name(line.level);
        fields["module"] = module_of(line.source.filename == nullptr ? "" : line.source.filename);
        fields["line"] = line.source.line;
        fields["message"] = std::string(line.payload.data(), line.payload.size());
        const std::string text =
            fields.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        out.append(text.data() + 1, text.data() + text.size());  // its brace stands in the pattern
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonFlag>();
    }
};

std::unique_ptr<spdlog::formatter> formatter(LogFormat format) {
    const bool json = format == LogFormat::json;
    auto result = std::make_unique<spdlog::pattern_formatter>(
        json ? spdlog::pattern_time_type::utc : spdlog::pattern_time_type::local, "\n");
    result->add_flag<LevelFlag>('*').add_flag<ModuleFlag>('~').add_flag<JsonFlag>('&');
    result->set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ",%&)"
                             : "%Y-%m-%d %H:%M:%S,%e [%*] %~:%# - %v");
    return result;
}

/// How many bytes the UTF-8 character at the start of `text` has; 0 where it is none: cut off,
/// overlong, a surrogate, or past U+10FFFF.
std::size_t utf8_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xC2 ? 0
                               : first < 0xE0 ? 2
                               : first < 0xF0 ? 3
                               : first < 0xF5 ? 4
                                              : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return 0;
    }
    const bool refused = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) >= 0xA0) ||
                         (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) >= 0x90);
    return refused ? 0 : length;
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    // C0, DEL, and C1 (U+0080 to U+009F), which terminals obey as well.
    return first < 0x20 || first == 0x7F ||
           (first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0);
}

void append_escaped(std::string& out, std::string_view bytes) {
    for (const char c : bytes) {
        switch (c) {
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            default:
                out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        }
    }
}

/// Whether every byte is printable ASCII: nearly every line, so the check must be cheap.
bool is_plain(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

}  // namespace

std::string escape_control_characters(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view character = text.substr(0, length == 0 ? 1 : length);
        if (length == 0 || is_control(character)) {
            append_escaped(out, character);
        } else {
            out += character;
        }
        text.remove_prefix(character.size());
    }
    return out;
}

HostLog::HostLog(LogLevel level, LogFormat format)
    : format_(format),
      spdlog_(std::make_shared<spdlog::logger>("svchost",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      sink_{this, &HostLog::enabled, &HostLog::write} {
    spdlog_->set_level(to_spdlog(static_cast<int>(level)));
    spdlog_->set_formatter(formatter(format));
}

HostLog::~HostLog() = default;

void HostLog::flush() { spdlog_->flush(); }

bool HostLog::enabled(void* self, int level) {
    return static_cast<HostLog*>(self)->spdlog_->should_log(to_spdlog(level));
}

void HostLog::write(void* self, int level, const char* file, unsigned line, const char* text,
                    std::size_t text_size) {
    const HostLog& log = *static_cast<HostLog*>(self);
    const std::string_view view(text, text_size);
    const spdlog::source_loc where(file, static_cast<int>(line), "");
    // JSON escapes by itself, and keeps what is escaped readable for machines.
    if (log.format_ == LogFormat::json || is_plain(view)) {
        log.spdlog_->log(where, to_spdlog(level), spdlog::string_view_t(text, text_size));
    } else {
        log.spdlog_->log(where, to_spdlog(level),
                         spdlog::string_view_t(escape_control_characters(view)));
    }
}

}  // namespace rococo::svchost
