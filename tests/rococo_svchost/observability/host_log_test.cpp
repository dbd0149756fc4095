// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/host_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace rococo::svchost {
namespace {

using testing::MatchesRegex;

/// What is written to standard error meanwhile.
std::string written(LogLevel level, LogFormat format,
                    const std::function<void(const Logger&)>& log_lines) {
    testing::internal::CaptureStderr();
    {
        HostLog log(level, format);
        log_lines(log.logger());
        log.flush();
    }
    return testing::internal::GetCapturedStderr();
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        lines.push_back(text.substr(begin, end - begin));
    }
    return lines;
}

TEST(HostLog, WritesTheOriginalsLineToTheLetter) {
    const unsigned line = __LINE__ + 2;
    const std::string text = written(LogLevel::info, LogFormat::text, [](const Logger& logger) {
        logger.info("processor_module: {}", "service_example.processor");
    });
    EXPECT_THAT(text, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2},[0-9]{3} "
                                   "\\[INFO\\] host_log_test:" +
                                   std::to_string(line) +
                                   " - processor_module: service_example.processor\n"));
}

TEST(HostLog, NamesLevelsAsPythonDoes) {
    const std::string text = written(LogLevel::debug, LogFormat::text, [](const Logger& logger) {
        logger.debug("1");
        logger.info("2");
        logger.warning("3");
        logger.error("4");
        logger.critical("5");
    });
    const auto lines = lines_of(text);
    ASSERT_EQ(lines.size(), 5U);
    const std::array names{"[DEBUG]", "[INFO]", "[WARNING]", "[ERROR]", "[CRITICAL]"};
    for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_NE(lines[i].find(names[i]), std::string::npos) << lines[i];
    }
}

TEST(HostLog, DropsWhatIsBelowItsLevel) {
    const std::string text = written(LogLevel::error, LogFormat::text, [](const Logger& logger) {
        logger.warning("dropped");
        logger.error("kept");
        EXPECT_FALSE(logger.enabled(LogLevel::warning));
        EXPECT_TRUE(logger.enabled(LogLevel::critical));
    });
    EXPECT_EQ(lines_of(text).size(), 1U);
    EXPECT_NE(text.find("kept"), std::string::npos);
}

TEST(HostLog, NoBodyCanForgeALineOrTalkToATerminal) {
    const std::string text = written(LogLevel::info, LogFormat::text, [](const Logger& logger) {
        logger.info("{}", "one\n2026-11-24 03:31:33,123 [INFO] forged:1 - two\x1b[2J");
    });
    EXPECT_EQ(lines_of(text).size(), 1U);
    EXPECT_TRUE(text.ends_with("one\\n2026-11-24 03:31:33,123 [INFO] forged:1 - two\\x1b[2J\n"))
        << text;
}

TEST(HostLog, BracesAndPercentSignsAreOnlyText) {
    const std::string text = written(LogLevel::info, LogFormat::text, [](const Logger& logger) {
        logger.info("{}", "{} %v %s {0}");
    });
    EXPECT_TRUE(text.ends_with(" - {} %v %s {0}\n")) << text;
}

TEST(HostLog, WritesOneJsonObjectALine) {
    const unsigned line = __LINE__ + 2;
    const std::string text = written(LogLevel::info, LogFormat::json, [](const Logger& logger) {
        logger.warning("say \"{}\"\n\x1b", "hello");
        logger.info("\xE2\x82\xAC and \xff");
    });
    const auto lines = lines_of(text);
    ASSERT_EQ(lines.size(), 2U);
    const auto first = nlohmann::json::parse(lines[0]);
    EXPECT_THAT(first["time"].get<std::string>(),
                MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z"));
    EXPECT_EQ(first["level"], "WARNING");
    EXPECT_EQ(first["module"], "host_log_test");
    EXPECT_EQ(first["line"], line);
    EXPECT_EQ(first["message"], "say \"hello\"\n\x1b");
    EXPECT_EQ(first.size(), 5U);
    EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(lines[1])["message"], "\xE2\x82\xAC and \xEF\xBF\xBD");
}

TEST(HostLog, LinesOfSeveralThreadsDoNotMix) {
    const std::string text = written(LogLevel::info, LogFormat::text, [](const Logger& logger) {
        std::vector<std::jthread> threads;
        for (int thread = 0; thread < 4; ++thread) {
            threads.emplace_back([&logger] {
                for (int i = 0; i < 200; ++i) logger.info("{}", std::string(100, 'x'));
            });
        }
    });
    const auto lines = lines_of(text);
    ASSERT_EQ(lines.size(), 800U);
    for (const std::string& line : lines) {
        EXPECT_TRUE(line.ends_with(" - " + std::string(100, 'x'))) << line;
    }
}

TEST(HostLog, NothingThatATerminalObeysReachesItInEitherFormat) {
    // CSI as one byte of C1 in UTF-8, DEL, and an override that writes from right to left.
    const std::string hostile =
        "\xC2\x9B"
        "31m\x7F\xE2\x80\xAE"
        "gnp.exe\x9B"
        "2J";
    for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
        const std::string text = written(LogLevel::info, format,
                                         [&](const Logger& logger) { logger.info("{}", hostile); });
        for (const char* bytes : {"\xC2\x9B", "\x7F", "\xE2\x80\xAE", "\x9B"}) {
            EXPECT_EQ(text.find(bytes), std::string::npos) << text;
        }
        EXPECT_NE(text.find("\\u009b31m"), std::string::npos) << text;
        EXPECT_NE(text.find("\\u202egnp.exe"), std::string::npos) << text;
    }
}

}  // namespace
}  // namespace rococo::svchost
