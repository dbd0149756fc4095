// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/environment_variable.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A service's folder.
class SessionTest : public testing::Test {
protected:
    void settings(const std::string& text) const { folder_.write(".env", text); }
    [[nodiscard]] std::unique_ptr<Session> opened() const {
        auto session = open_session(folder_.path());
        EXPECT_TRUE(session) << session.error().message;
        return session ? std::move(*session) : nullptr;
    }

    tests::TemporaryFolder folder_;
    const std::string env_ = (folder_.path() / ".env").string();
};

TEST_F(SessionTest, NeedsAFolderThatIsThere) {
    const auto absent = open_session(folder_.path() / "absent");
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().kind, ErrorKind::usage);
    EXPECT_EQ(absent.error().message, "there is no folder " + (folder_.path() / "absent").string());
    const auto file = open_session(folder_.write("file", ""));
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().message, (folder_.path() / "file").string() + " is not a folder");
}

TEST_F(SessionTest, TellsAllErrorsOfTheConfigurationAtOnce) {
    settings("MAX_ATTEMPTS=many\nRETRY_DELAY=soon\n");
    const auto session = open_session(folder_.path());
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().kind, ErrorKind::configuration);
    EXPECT_NE(session.error().message.find("MAX_ATTEMPTS=many (" + env_ + ":1)"),
              std::string::npos);
    EXPECT_NE(session.error().message.find("\nRETRY_DELAY=soon (" + env_ + ":2)"),
              std::string::npos)
        << session.error().message;
    const auto loaded = load_configuration(folder_.path());
    ASSERT_TRUE(loaded) << "whoever wants to show it gets it";
    EXPECT_EQ(loaded->errors().size(), 2U);
}

TEST_F(SessionTest, TellsWhatIsWrongWithAllSettingsTogether) {
    settings("MESSAGING_TYPE=RabbitMqConnection\nRABBITMQ_URL=http://broker\n");
    const auto session = open_session(folder_.path());
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().kind, ErrorKind::configuration);
    EXPECT_NE(session.error().message.find("RABBITMQ_URL"), std::string::npos);
}

TEST_F(SessionTest, MakesNothingUntilItIsUsed) {
    const auto session = opened();
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
    ASSERT_TRUE(session->queue_kind->queues());
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(SessionTest, UsesTheFoldersTimeZone) {
    const tests::EnvironmentVariable zone("TZ", std::nullopt);
    settings("TZ=Asia/Kathmandu\n");
    ASSERT_TRUE(opened());
    EXPECT_STREQ(std::getenv("TZ"), "Asia/Kathmandu");
}

TEST_F(SessionTest, KnowsTheQueuesThatAreConfigured) {
    EXPECT_THAT(configured_queues(opened()->configuration), IsEmpty());
    settings("QUEUE_NAME_PREFIX=dev_\nA_QUEUE_NAME=a\nB_QUEUE_NAME=\nC_QUEUE_NAME=c\n");
    EXPECT_THAT(configured_queues(opened()->configuration), ElementsAre("dev_a", "dev_c"));
}

TEST_F(SessionTest, TheQueueOfTheServiceIsItsProcessors) {
    settings(std::string("PROCESSOR_TYPE=BatchHelper\nQUEUE_NAME_PREFIX=dev_\n") +
             "BatchHelper_QUEUE_NAME=batches\nSERVICE_LIBRARY=" + MANY_PROCESSORS);
    const auto queue = service_queue(*opened());
    ASSERT_TRUE(queue) << queue.error().message;
    EXPECT_EQ(*queue, "dev_batches");
}

TEST_F(SessionTest, AServiceWithoutAQueuesNameSaysWhichVariableIsMissing) {
    settings(std::string("PROCESSOR_TYPE=BatchHelper\nSERVICE_LIBRARY=") + MANY_PROCESSORS);
    const auto queue = service_queue(*opened());
    ASSERT_FALSE(queue);
    EXPECT_EQ(queue.error().kind, ErrorKind::configuration);
    EXPECT_NE(queue.error().message.find("BatchHelper_QUEUE_NAME"), std::string::npos)
        << queue.error().message;
}

TEST_F(SessionTest, WithoutAServiceTheQueueMustBeNamed) {
    const auto queue = service_queue(*opened());
    ASSERT_FALSE(queue);
    EXPECT_EQ(queue.error().kind, ErrorKind::service);
    EXPECT_TRUE(queue.error().message.starts_with(
        "which queue? Name it, or call from a service's folder: no service found"))
        << queue.error().message;
}

TEST_F(SessionTest, AScheduledServiceHasNoQueue) {
    settings(std::string("EXECUTION_TYPE=CRON\nCRON_EXPRESSIONS=@daily\nSERVICE_LIBRARY=") +
             CRON_HELPER);
    const auto queue = service_queue(*opened());
    ASSERT_FALSE(queue);
    EXPECT_EQ(queue.error().kind, ErrorKind::usage);
    EXPECT_NE(queue.error().message.find("(EXECUTION_TYPE=CRON, " + env_ + ":1) and has no queue"),
              std::string::npos)
        << queue.error().message;
}

}  // namespace
}  // namespace rococo::svchost::cli
