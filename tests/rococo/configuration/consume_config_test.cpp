// SPDX-License-Identifier: MIT
#include "rococo/configuration/consume_config.hpp"

#include <gmock/gmock.h>

#include <string>

#include "temporary_folder.hpp"

namespace rococo {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

using Kind = ConsumeNote::Kind;

auto says(Kind kind, const std::string& text) {
    return AllOf(Field(&ConsumeNote::kind, kind), Field(&ConsumeNote::text, HasSubstr(text)));
}

class ConsumeConfigTest : public testing::Test {
protected:
    [[nodiscard]] Result<ConsumeConfig> open(Environment environment = {}) const {
        environment.emplace("CONSUME_CONFIG_FILE_PATH", "consume.env");
        return ConsumeConfig::open(Configuration::load(environment, folder_.path()));
    }
    /// Every version has another size or another inode, whatever the file system's clock does.
    void write(std::string_view text) const {
        folder_.write("new", text);
        std::filesystem::rename(folder_.path() / "new", folder_.path() / "consume.env");
    }

    TemporaryFolder folder_;
};

TEST_F(ConsumeConfigTest, HasTheConfigurationsValuesWithoutAFile) {
    auto config = ConsumeConfig::open(Configuration::load(
        {{"EXIT_WHEN_FINISHED", "1"}, {"LISTEN_INTERVAL", "5"}}, folder_.path()));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->current(), (ConsumeSettings{true, 5s, 0s}));
    EXPECT_THAT(config->refresh(), IsEmpty());
}

TEST_F(ConsumeConfigTest, FileCountsMoreThanTheConfiguration) {
    write("EXIT_WHEN_FINISHED=1\r\nVISIBILITY_TIMEOUT=60\n");
    auto config = open({{"VISIBILITY_TIMEOUT", "10"}, {"LISTEN_INTERVAL", "7"}});
    ASSERT_TRUE(config);
    EXPECT_EQ(config->current(), (ConsumeSettings{true, 7s, 60s}));
    EXPECT_THAT(config->refresh(), IsEmpty());
}

TEST_F(ConsumeConfigTest, IsReadAgainWhenItChanges) {
    write("LISTEN_INTERVAL=1\n");
    auto config = open();
    ASSERT_TRUE(config);
    write("EXIT_WHEN_FINISHED=true\n");
    EXPECT_THAT(config->refresh(), ElementsAre(says(Kind::change,
                                                    "EXIT_WHEN_FINISHED=true, "
                                                    "LISTEN_INTERVAL=20s")));
    EXPECT_EQ(config->current(), (ConsumeSettings{true, 20s, 0s}));
    EXPECT_THAT(config->refresh(), IsEmpty());

    std::filesystem::remove(folder_.path() / "consume.env");
    EXPECT_THAT(config->refresh(), ElementsAre(says(Kind::change, "EXIT_WHEN_FINISHED=false")));
    EXPECT_FALSE(config->current().exit_when_finished);
}

TEST_F(ConsumeConfigTest, MayComeLater) {
    auto config = open();
    ASSERT_TRUE(config);
    EXPECT_THAT(config->refresh(), ElementsAre(says(Kind::warning, "there is no file")));
    EXPECT_THAT(config->refresh(), IsEmpty());
    write("EXIT_WHEN_FINISHED=1\n");
    EXPECT_THAT(config->refresh(),
                ElementsAre(says(Kind::change, "Reread the consume configuration")));
    EXPECT_TRUE(config->current().exit_when_finished);
}

TEST_F(ConsumeConfigTest, KeepsTheLastGoodValuesAndComplainsOnce) {
    write("EXIT_WHEN_FINISHED=1\nLISTEN_INTERVAL=3\n");
    auto config = open();
    ASSERT_TRUE(config);
    write("EXIT_WHEN_FINISHED=maybe\nLISTEN_INTERVAL=21\n");
    const auto lines = config->refresh();
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_THAT(lines[0], says(Kind::error, "last good values stay"));
    EXPECT_THAT(lines[0],
                says(Kind::error, ":1: EXIT_WHEN_FINISHED=maybe: expected true or false"));
    EXPECT_THAT(lines[0],
                says(Kind::error, ":2: LISTEN_INTERVAL=21: expected a duration from 0 to 20s"));
    EXPECT_THAT(config->refresh(), IsEmpty());
    EXPECT_EQ(config->current(), (ConsumeSettings{true, 3s, 0s}));

    write("broken\n");
    EXPECT_THAT(config->refresh(), ElementsAre(says(Kind::error, ":1: expected = after broken")));
    std::filesystem::remove(folder_.path() / "consume.env");
    std::filesystem::create_directory(folder_.path() / "consume.env");
    EXPECT_THAT(config->refresh(), ElementsAre(says(Kind::error, "is a folder")));
    EXPECT_EQ(config->current(), (ConsumeSettings{true, 3s, 0s}));
}

TEST_F(ConsumeConfigTest, AWrongFileAtTheStartIsAnError) {
    write("EXIT_WHEN_FINISHED=maybe\n");
    const auto config = open();
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().kind, ErrorKind::configuration);
    EXPECT_THAT(config.error().message, HasSubstr("EXIT_WHEN_FINISHED=maybe"));
}

TEST_F(ConsumeConfigTest, SaysWhatHasNoEffect) {
    write("NUM_THREADS=4\nEXIT_WHEN_FINISH=1\n");
    auto config = open();
    ASSERT_TRUE(config);
    EXPECT_THAT(config->refresh(),
                ElementsAre(says(Kind::warning, ":1: NUM_THREADS has no effect"),
                            says(Kind::warning, "did you mean EXIT_WHEN_FINISHED?")));
}

}  // namespace
}  // namespace rococo
