// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/logger.hpp"

namespace rococo::tests {

/// Keeps the lines that are logged, for a test to read.
///
/// **Thread-safety**: all members may be called from any thread.
class RecordedLog {
public:
    [[nodiscard]] Logger logger() const { return Logger(&sink_); }
    [[nodiscard]] const Logger::Sink& sink() const { return sink_; }

    /// The lines so far: `WARNING: text`.
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::scoped_lock lock(mutex_);
        return lines_;
    }
    /// Whether a line holds this text.
    [[nodiscard]] bool contains(std::string_view text) const { return count(text) > 0; }
    /// How many lines hold this text.
    [[nodiscard]] std::size_t count(std::string_view text) const {
        std::size_t found = 0;
        for (const std::string& line : lines()) found += line.find(text) != std::string::npos;
        return found;
    }

private:
    static bool enabled(void* /*self*/, int /*level*/) { return true; }
    static void write(void* self, int level, const char* /*file*/, unsigned /*line*/,
                      const char* text, std::size_t text_size) {
        static constexpr std::array kNames{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
        RecordedLog& log = *static_cast<RecordedLog*>(self);
        const std::scoped_lock lock(log.mutex_);
        log.lines_.push_back(std::string(kNames.at(static_cast<std::size_t>(level))) + ": " +
                             std::string(text, text_size));
    }

    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
    Logger::Sink sink_{this, &enabled, &write};
};

}  // namespace rococo::tests
