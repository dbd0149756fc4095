// SPDX-License-Identifier: MIT
#include "rococo/configuration/render.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "temporary_folder.hpp"

namespace rococo {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RenderText, ShowsValuesWithTheirOriginAndNoSecrets) {
    const TemporaryFolder folder;
    folder.write("password", "s3cret\n");
    const Configuration configuration =
        Configuration::load({{"NUM_THREADS", "4"},
                             {"RABBITMQ_URL", "amqp://u:s3cret@h/"},
                             {"RABBITMQ_PASSWORD_FILE", (folder.path() / "password").string()},
                             {"Orders_QUEUE_NAME", "orders"}},
                            folder.path());
    const std::string text = render_text(configuration);
    EXPECT_THAT(text, testing::StartsWith("General\n  EXECUTION_TYPE "));
    EXPECT_THAT(text, testing::ContainsRegex("\n  NUM_THREADS +4 +environment\n"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  Orders_QUEUE_NAME +orders +environment\n"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  MAX_ATTEMPTS +5 +default\n"));
    EXPECT_THAT(text, testing::ContainsRegex("\n  RABBITMQ_URL +[*]{3} +environment\n"));
    EXPECT_THAT(text, HasSubstr("password (RABBITMQ_PASSWORD_FILE)\n"));
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
    EXPECT_THAT(text, Not(HasSubstr("AWS_REGION"))) << "has no value";
    EXPECT_THAT(render_text(configuration, true), HasSubstr("\n  AWS_REGION "));
}

TEST(RenderText, ShowsNoPasswordThatStandsInAUrl) {
    const TemporaryFolder folder;
    const Configuration configuration = Configuration::load(
        {{"AWS_ENDPOINT_URL", "http://user:p@ss@emulator:4566/path@x"}}, folder.path());
    EXPECT_THAT(render_text(configuration), HasSubstr("http://***@emulator:4566/path@x"));
    EXPECT_THAT(render_json(configuration), HasSubstr("http://***@emulator:4566/path@x"));
}

TEST(RenderText, FitsANarrowTerminal) {
    const TemporaryFolder folder;
    const Configuration configuration =
        Configuration::load({{"SQLITE_PATH", "/a/longish/path/of/a/queue.db"}}, folder.path());
    const std::string text = render_text(configuration, false, 40);
    EXPECT_THAT(
        text,
        HasSubstr("\n  SQLITE_PATH\n      /a/longish/path/of/a/queue.db\n      environment\n"));
    EXPECT_THAT(text, HasSubstr("\n  MAX_ATTEMPTS\n      5  default\n"));
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 40U) << line;
    EXPECT_THAT(
        render_text(configuration, false, 200),
        testing::ContainsRegex("\n  SQLITE_PATH +/a/longish/path/of/a/queue.db +environment\n"));
}

TEST(RenderJson, IsValidAndHoldsNoSecrets) {
    const TemporaryFolder folder;
    const Configuration configuration = Configuration::load(
        {{"RABBITMQ_PASSWORD", "s3cret"}, {"NUM_THREADS", "0"}, {"RABBITMQ_HOTS", "x"}},
        folder.path());
    const std::string text = render_json(configuration);
    EXPECT_THAT(text, Not(HasSubstr("s3cret")));
    const auto document = nlohmann::json::parse(text);
    EXPECT_EQ(document["errors"].size(), 1U);
    EXPECT_EQ(document["warnings"].size(), 1U);
    for (const auto& setting : document["settings"]) {
        if (setting["name"] != "RABBITMQ_PASSWORD") continue;
        EXPECT_EQ(setting["value"], "***");
        EXPECT_EQ(setting["origin"], "environment");
        EXPECT_EQ(setting["default"], false);
        EXPECT_EQ(setting["secret"], true);
    }
}

TEST(RenderMarkdown, IsWhatTheDocumentationHolds) {
    std::ifstream file(ROCOCO_CONFIGURATION_REFERENCE);
    std::stringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), render_markdown())
        << "write it anew: svchost config --markdown > docs/CONFIGURATION.md";
}

TEST(RenderMarkdown, NamesEveryOption) {
    const std::string text = render_markdown();
    for (const Option& option : options()) {
        EXPECT_THAT(text, HasSubstr("| `" + std::string(option.name) + "`"));
    }
}

}  // namespace
}  // namespace rococo
