// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <rococo/logger.hpp>
#include <string>

namespace {

using rococo::Logger;
using rococo::LogLevel;

struct Written {
    int level = -1;
    std::string file{};
    unsigned line = 0;
    std::string text{};
    int least = 0;
    int asked = 0;
};

Logger::Sink sink_to(Written& written) {
    return {&written,
            [](void* self, int level) {
                auto& to = *static_cast<Written*>(self);
                ++to.asked;
                return level >= to.least;
            },
            [](void* self, int level, const char* file, unsigned line, const char* text,
               std::size_t size) {
                auto& to = *static_cast<Written*>(self);
                to.level = level;
                to.file = file;
                to.line = line;
                to.text.assign(text, size);
            }};
}

TEST(Logger, CarriesLevelTextAndThePlaceThatLogs) {
    Written written;
    const Logger::Sink sink = sink_to(written);
    Logger(&sink).warning("{} of {}", 1, "two");
    const unsigned line = __LINE__ - 1;

    EXPECT_EQ(written.level, 2);
    EXPECT_EQ(written.text, "1 of two");
    EXPECT_TRUE(written.file.ends_with("logger_test.cpp"));
    EXPECT_EQ(written.line, line);
}

TEST(Logger, FormatsNothingBelowTheLevel) {
    Written written{.least = 3};
    const Logger::Sink sink = sink_to(written);
    Logger(&sink).info("dropped {}", 1);
    EXPECT_EQ(written.level, -1);
    EXPECT_EQ(written.asked, 1);
    Logger(&sink).error("kept");
    EXPECT_EQ(written.text, "kept");
}

TEST(Logger, WithoutASinkDropsEverything) {
    const Logger logger;
    EXPECT_FALSE(logger.enabled(LogLevel::critical));
    logger.critical("nobody hears this: {}", 1);
}

}  // namespace
