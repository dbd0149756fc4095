// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <sstream>
#include <string>

#include "rococo/logger.hpp"

namespace rococo::messaging::sqs {

/// Keeps every line that is logged, for a test to look at.
class RecordingLogger {
public:
    [[nodiscard]] Logger logger() const { return Logger(&sink_); }
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        return text_;
    }

    /// How many lines hold that text. Warnings and errors begin with `! `, others with `- `.
    [[nodiscard]] int lines_with(const std::string& part) const {
        std::istringstream lines(text());
        int count = 0;
        for (std::string line; std::getline(lines, line);) {
            count += line.find(part) != std::string::npos ? 1 : 0;
        }
        return count;
    }

private:
    static void write(void* self, int level, const char*, unsigned, const char* text,
                      std::size_t size) {
        auto& me = *static_cast<RecordingLogger*>(self);
        const std::lock_guard lock(me.mutex_);
        me.text_.append(level >= static_cast<int>(LogLevel::warning) ? "! " : "- ")
            .append(text, size)
            .append("\n");
    }

    Logger::Sink sink_{this, [](void*, int) { return true; }, &RecordingLogger::write};
    mutable std::mutex mutex_;
    std::string text_;
};

}  // namespace rococo::messaging::sqs
