// SPDX-License-Identifier: MIT
#include "run_command_line.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace rococo::svchost::cli {
namespace {

/// What `svchost` prints and how it ends.
struct Ended {
    int code = 0;
    std::string out;
    std::string err;
};

/// Runs in an empty folder, with no settings.
class RunCommandLine : public testing::Test {
protected:
    RunCommandLine() { std::filesystem::current_path(folder_.path()); }
    ~RunCommandLine() override { std::filesystem::current_path(before_); }

    static Ended run(std::vector<std::string> words) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        Ended ended;
        ended.code = run_command_line(std::move(words));
        ended.out = testing::internal::GetCapturedStdout();
        ended.err = testing::internal::GetCapturedStderr();
        return ended;
    }

    tests::TemporaryFolder folder_;
    const std::filesystem::path before_ = std::filesystem::current_path();
};

TEST_F(RunCommandLine, HelpIsAWordToo) {
    const Ended option = run({"send", "--help"});
    EXPECT_EQ(option.code, 0);
    EXPECT_NE(option.out.find("svchost send [OPTIONS] [QUEUE] BODY"), std::string::npos);
    EXPECT_EQ(run({"help", "send"}).out, option.out);
    EXPECT_EQ(run({"help"}).out, run({"--help"}).out);
    EXPECT_EQ(run({"-h"}).out, run({"--help"}).out);
}

TEST_F(RunCommandLine, HelpOnSomethingUnknownIsAnError) {
    const Ended ended = run({"help", "sned"});
    EXPECT_EQ(ended.code, 64);
    EXPECT_EQ(ended.out, "");
    EXPECT_NE(ended.err.find("did you mean svchost send?"), std::string::npos) << ended.err;
}

TEST_F(RunCommandLine, TellsItsVersion) {
    const Ended ended = run({"version"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_TRUE(ended.out.starts_with("svchost ")) << ended.out;
    EXPECT_EQ(run({"--version"}).out, ended.out);
}

TEST_F(RunCommandLine, WithoutACommandRunsTheServiceOfThisFolder) {
    const Ended ended = run({});
    EXPECT_EQ(ended.code, 70) << "there is no service here";
    EXPECT_NE(ended.err.find("no service found: looked for *.service.so in"), std::string::npos)
        << ended.err;
    EXPECT_EQ(run({"--once"}).code, 64) << "an option of run";
}

TEST_F(RunCommandLine, AFolderIsTheOneToRun) {
    std::filesystem::create_directory("shop");
    const Ended ended = run({"shop"});
    EXPECT_EQ(ended.code, 70);
    EXPECT_NE(ended.err.find("/shop"), std::string::npos) << ended.err;
    EXPECT_EQ(run({"sohp"}).code, 64);
}

TEST_F(RunCommandLine, WrongWordsMakeNothing) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"chekc"},
                                               {"send", "", "x"},
                                               {"send", "q", "x", "--header", "=value"},
                                               {"send", "q", "-", "--id", "a"},
                                               {"send", "--dir", "absent", "q", "x"},
                                               {"dead-letters", "requeue"},
                                               {"dead-letters", "delete", "id", "--all"},
                                               {"dead-letters", "list"},
                                               {"new", "Bad-Name"},
                                               {"new", "1st"},
                                               {"new", ""},
                                               {"next", "0 9 * * *", "--from", "noon"}}) {
        const Ended ended = run(words);
        EXPECT_NE(ended.code, 0) << words.front();
        EXPECT_EQ(ended.out, "") << words.front();
        EXPECT_TRUE(ended.err.starts_with("svchost: ")) << ended.err;
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(RunCommandLine, SendsAndShowsWhatIsThere) {
    const Ended sent = run({"send", "orders", "{}"});
    EXPECT_EQ(sent.code, 0) << sent.err;
    EXPECT_NE(sent.err.find("sent 1 message to orders at sqlite:"), std::string::npos) << sent.err;
    EXPECT_NE(sent.err.find("warning: queue orders did not exist: made it"), std::string::npos)
        << sent.err;
    const Ended again = run({"send", "ordres", "{}"});
    EXPECT_NE(again.err.find("did you mean orders?"), std::string::npos) << again.err;
    const Ended letters = run({"dead-letters", "list", "--queue", "orders"});
    EXPECT_EQ(letters.code, 0) << letters.err;
    EXPECT_NE(letters.out.find("0 of 0 shown"), std::string::npos) << letters.out;
    const Ended unknown = run({"dead-letters", "show", "6f1c", "--queue", "orders"});
    EXPECT_EQ(unknown.code, 64);
    EXPECT_NE(unknown.err.find("no dead letter is called 6f1c"), std::string::npos);
    EXPECT_EQ(run({"dead-letters", "delete", "--all", "--queue", "orders"}).code, 0)
        << "nothing to ask about";
}

TEST_F(RunCommandLine, ConfigTellsEveryErrorAndShowsTheRest) {
    folder_.write(".env", "MAX_ATTEMPTS=many\nRETRY_DELAY=soon\nNUM_THREADS=3\n");
    const Ended ended = run({"config"});
    EXPECT_EQ(ended.code, 78);
    EXPECT_NE(ended.out.find("NUM_THREADS"), std::string::npos) << ended.out;
    EXPECT_NE(ended.err.find("MAX_ATTEMPTS=many (.env:1)"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("RETRY_DELAY=soon (.env:2)"), std::string::npos) << ended.err;
    EXPECT_EQ(run({"config", "--markdown"}).code, 0) << "the reference has no errors";
}

TEST_F(RunCommandLine, AServiceIsMadeOnceAndNeverOver) {
    const Ended made = run({"new", "order_mail"});
    EXPECT_EQ(made.code, 0) << made.err;
    EXPECT_TRUE(std::filesystem::exists("order_mail/.env"));
    EXPECT_TRUE(std::filesystem::exists("order_mail/processor.cpp"));
    const Ended again = run({"new", "order_mail"});
    EXPECT_EQ(again.code, 64);
    EXPECT_NE(again.err.find("order_mail already exists"), std::string::npos) << again.err;
}

TEST_F(RunCommandLine, AFolderThatCannotBeWrittenIsSaid) {
    std::filesystem::create_directory("shut");
    std::filesystem::current_path("shut");
    std::filesystem::remove(folder_.path() / "shut");
    const Ended ended = run({"new", "orders"});
    EXPECT_EQ(ended.code, 69);
    EXPECT_NE(ended.err.find("cannot write orders/"), std::string::npos) << ended.err;
}

TEST_F(RunCommandLine, NextTakesTheScheduleOfTheFolderOrAnExpression) {
    const Ended none = run({"next"});
    EXPECT_EQ(none.code, 78);
    EXPECT_NE(none.err.find("there is no schedule here"), std::string::npos) << none.err;
    const Ended wrong = run({"next", "61 * * * *"});
    EXPECT_EQ(wrong.code, 78);
    EXPECT_EQ(wrong.err.find("CRON_EXPRESSIONS"), std::string::npos) << wrong.err;
    const Ended good = run({"next", "0 9 * * *", "--from", "2027-01-01", "--tz", "UTC", "-n", "2"});
    EXPECT_EQ(good.code, 0) << good.err;
    EXPECT_NE(good.out.find("2027-01-01 09:00:00"), std::string::npos) << good.out;
    EXPECT_NE(good.out.find("2027-01-02 09:00:00"), std::string::npos) << good.out;
    EXPECT_EQ(good.out.find("2027-01-03"), std::string::npos) << good.out;
}

}  // namespace
}  // namespace rococo::svchost::cli
