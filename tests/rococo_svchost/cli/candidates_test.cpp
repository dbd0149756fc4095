// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "run_command_line.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::Not;

class Candidates : public testing::Test {
protected:
    Candidates() { std::filesystem::current_path(folder_.path()); }
    ~Candidates() override { std::filesystem::current_path(before_); }

    /// What is offered for the last of these words.
    static std::vector<std::string> offered(std::vector<std::string> words) {
        const CommandLine line;
        testing::internal::CaptureStdout();
        EXPECT_EQ(complete(line, std::move(words)), 0);
        ::alarm(0);  // its patience, which would end this process
        std::istringstream printed(testing::internal::GetCapturedStdout());
        std::vector<std::string> lines;
        for (std::string one; std::getline(printed, one);) lines.push_back(one);
        return lines;
    }

    tests::TemporaryFolder folder_;
    const std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(Candidates, CommandsActionsAndOptionsByTheirBeginning) {
    EXPECT_THAT(offered({}), IsSupersetOf({"run", "send", "dead-letters", ":folders"}));
    EXPECT_THAT(offered({"dead"}), ElementsAre(":folders", "dead-letters"));
    EXPECT_THAT(offered({"dead-letters", "re"}), ElementsAre("requeue"));
    EXPECT_THAT(offered({"send", "--corr"}), ElementsAre("--correlation-id"));
    EXPECT_THAT(offered({"dead-letters", "delete", "--"}), IsSupersetOf({"--all", "--yes"}));
    EXPECT_THAT(offered({"dead-letters", "list", "--"}), Not(Contains("--yes")));
}

TEST_F(Candidates, TheValuesOfAnOption) {
    EXPECT_THAT(offered({"next", "--format", ""}), ElementsAre("json", "text"));
    EXPECT_THAT(offered({"next", "--format", "j"}), ElementsAre("json"));
    EXPECT_THAT(offered({"next", "--format=j"}), ElementsAre("--format=json"));
    EXPECT_THAT(offered({"next", "--tz", "Europe/Berl"}), ElementsAre("Europe/Berlin"));
    EXPECT_THAT(offered({"send", "--dir", ""}), ElementsAre(":folders"));
    EXPECT_THAT(offered({"send", "--dir=s"}), IsEmpty()) << "the shell completes no part of a word";
    EXPECT_THAT(offered({"send", "--id", ""}), IsEmpty()) << "a value of its own";
    EXPECT_THAT(offered({"send", "--no-such-option=x"}), IsEmpty());
    EXPECT_THAT(offered({"next", "--no-such-option", "--form"}), ElementsAre("--format"));
}

TEST_F(Candidates, AnArgumentWhereItIsDue) {
    EXPECT_THAT(offered({"completion", ""}), ElementsAre("bash", "fish", "zsh"));
    EXPECT_THAT(offered({"completion", "zsh", ""}), IsEmpty());
    EXPECT_THAT(offered({"run", ""}), ElementsAre(":folders"));
    EXPECT_THAT(offered({"run", "shop", ""}), IsEmpty());
    EXPECT_THAT(offered({"run", "--once", ""}), ElementsAre(":folders")) << "a flag has no value";
}

TEST_F(Candidates, TheQueuesThatAreConfiguredAndThoseThatAreThere) {
    folder_.write(".env", "QUEUE_NAME_PREFIX=dev_\nOrderServiceProcessor_QUEUE_NAME=orders\n");
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_command_line({"send", "dev_other", "{}"}), 0);
    testing::internal::GetCapturedStderr();
    EXPECT_THAT(offered({"send", ""}), ElementsAre("dev_orders", "dev_other"));
    EXPECT_THAT(offered({"send", "dev_ot"}), ElementsAre("dev_other"));
    EXPECT_THAT(offered({"dead-letters", "list", "--queue", "dev_or"}), ElementsAre("dev_orders"));
    EXPECT_THAT(offered({"send", "q", "--reply-to=dev_or"}), ElementsAre("--reply-to=dev_orders"));
}

TEST_F(Candidates, TheQueuesOfTheFolderThatWasNamed) {
    folder_.write("shop/.env", "Shop_QUEUE_NAME=sales\n");
    EXPECT_THAT(offered({"send", ""}), IsEmpty());
    EXPECT_THAT(offered({"send", "--dir", "shop", ""}), ElementsAre("sales"));
    EXPECT_THAT(offered({"send", "--dir=shop", ""}), ElementsAre("sales"));
    EXPECT_THAT(offered({"send", "--dir", "absent", ""}), IsEmpty());
    EXPECT_FALSE(std::filesystem::exists("absent"));
}

TEST_F(Candidates, NothingWhereNothingCanBeKnown) {
    EXPECT_THAT(offered({"dead-letters", "show", ""}), IsEmpty()) << "there is no service";
    EXPECT_THAT(offered({"dead-letters", "show", "--queue", "orders", ""}), IsEmpty());
    folder_.write(".env", "MAX_ATTEMPTS=many\n");
    EXPECT_THAT(offered({"send", ""}), IsEmpty()) << "the configuration is wrong";
    folder_.write(".env", "MESSAGING_TYPE=SqsConnection\nA_QUEUE_NAME=a\n");
    EXPECT_THAT(offered({"dead-letters", "show", "--queue", "a", ""}), IsEmpty())
        << "listing them would hide them from others";
    EXPECT_THAT(offered({"send", ""}), ElementsAre("a"));
}

TEST_F(Candidates, ANameWithALineBreakWouldBeTwo) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(run_command_line({"send", "a\nb", "{}"}), 0);
    EXPECT_EQ(run_command_line({"send", "c", "{}"}), 0);
    testing::internal::GetCapturedStderr();
    EXPECT_THAT(offered({"send", ""}), ElementsAre("c"));
}

}  // namespace
}  // namespace rococo::svchost::cli
