// SPDX-License-Identifier: MIT
#include "missing_variables.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "support/environment_variable.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class MissingVariables : public testing::Test {
protected:
    MissingVariables() {
        for (const char* name :
             {"EXECUTION_TYPE", "QUEUE_NAME_PREFIX", "MESSAGING_TYPE", "NUM_THREADS",
              "RABBITMQ_HOST", "RABBITMQ_PORT", "RABBITMQ_USER", "RABBITMQ_PASSWORD",
              "RABBITMQ_PASSWORD_FILE", "RABBITMQ_VIRTUAL_HOST", "RABBITMQ_NUM_THREADS",
              "RABBITMQ_URL", "RABBITMQ_TLS", "AWS_REGION", "AWS_DEFAULT_REGION",
              "AWS_ACCESS_KEY_ID", "AWS_PROFILE"})
            without_.emplace_back(name, std::nullopt);
    }
    /// What is logged with these settings, in `.env`.
    [[nodiscard]] std::vector<std::string> lines(const std::string& settings) const {
        folder_.write(".env", settings);
        const tests::RecordedLog log;
        warn_of_missing_variables(Configuration::load(process_environment(), folder_.path()),
                                  log.logger());
        return log.lines();
    }

    std::deque<tests::EnvironmentVariable> without_;
    tests::TemporaryFolder folder_;
};

TEST_F(MissingVariables, SaysWhatIsUsedInstead) {
    EXPECT_THAT(lines(""),
                ElementsAre("WARNING: Variable EXECUTION_TYPE not found. Using MESSAGING",
                            "WARNING: Variable QUEUE_NAME_PREFIX not found. Using no prefix",
                            AllOf(HasSubstr("Variable MESSAGING_TYPE not found. Using "
                                            "SqliteConnection, the embedded queue in "),
                                  HasSubstr((folder_.path() / ".svchost/queue.db").string()))));
}

TEST_F(MissingVariables, SaysNothingOfWhatIsGiven) {
    EXPECT_THAT(lines("EXECUTION_TYPE=MESSAGING\nQUEUE_NAME_PREFIX=dev_\n"
                      "MESSAGING_TYPE=SqliteConnection\n"),
                IsEmpty());
    const tests::EnvironmentVariable exported("EXECUTION_TYPE", "MESSAGING");
    EXPECT_THAT(lines(""), Not(Contains(HasSubstr("EXECUTION_TYPE"))));
}

TEST_F(MissingVariables, AnEmptyPrefixIsAChoiceAndAnotherEmptyValueIsNone) {
    const auto said = lines("EXECUTION_TYPE=\nQUEUE_NAME_PREFIX=\nMESSAGING_TYPE=\n");
    EXPECT_THAT(said, Contains(HasSubstr("EXECUTION_TYPE not found")));
    EXPECT_THAT(said, Contains(HasSubstr("MESSAGING_TYPE not found")));
    EXPECT_THAT(said, Not(Contains(HasSubstr("QUEUE_NAME_PREFIX"))));
}

TEST_F(MissingVariables, AnInvalidValueIsNotMissing) {
    EXPECT_THAT(lines("EXECUTION_TYPE=SOMETIMES\n"), Not(Contains(HasSubstr("EXECUTION_TYPE"))));
}

TEST_F(MissingVariables, AScheduleNeedsNoQueue) {
    EXPECT_THAT(lines("EXECUTION_TYPE=CRON\n"), IsEmpty());
}

const char* const kRabbitMq =
    "EXECUTION_TYPE=MESSAGING\nQUEUE_NAME_PREFIX=\nMESSAGING_TYPE=RabbitMqConnection\n";

TEST_F(MissingVariables, TellsEachOfRabbitMqsAndNoPassword) {
    EXPECT_THAT(
        lines(kRabbitMq),
        ElementsAre("WARNING: Variable RABBITMQ_HOST not found. Using localhost",
                    "WARNING: Variable RABBITMQ_USER not found. Using guest",
                    "WARNING: Variable RABBITMQ_VIRTUAL_HOST not found. Using /",
                    "WARNING: Variable RABBITMQ_PORT not found. Using 5672",
                    "WARNING: Variable RABBITMQ_PASSWORD not found. Using the broker's default",
                    HasSubstr("Variable RABBITMQ_NUM_THREADS not found. Using ")));
    EXPECT_THAT(lines(std::string(kRabbitMq) + "RABBITMQ_TLS=true\n"),
                Contains(HasSubstr("RABBITMQ_PORT not found. Using 5671")));
}

TEST_F(MissingVariables, AUrlOrAFileOrTheOtherNameWillDo) {
    EXPECT_THAT(lines(std::string(kRabbitMq) + "RABBITMQ_URL=amqp://broker\nNUM_THREADS=2\n"),
                IsEmpty());
    const auto secret = folder_.write("password", "secret").string();
    EXPECT_THAT(lines(std::string(kRabbitMq) + "RABBITMQ_PASSWORD_FILE=" + secret + "\n"),
                Not(Contains(HasSubstr("RABBITMQ_PASSWORD"))));
}

const char* const kSqs =
    "EXECUTION_TYPE=MESSAGING\nQUEUE_NAME_PREFIX=\nMESSAGING_TYPE=SqsConnection\n";

TEST_F(MissingVariables, SqsMayDoWithoutAndOnlyTells) {
    EXPECT_THAT(
        lines(kSqs),
        ElementsAre(
            "INFO: Variable AWS_ACCESS_KEY_ID not found. Using the standard credential chain",
            "INFO: Variable AWS_REGION not found. Using the profile's region"));
    EXPECT_THAT(lines(std::string(kSqs) + "AWS_PROFILE=shop\nAWS_DEFAULT_REGION=eu-central-1\n"),
                IsEmpty());
}

}  // namespace
}  // namespace rococo::svchost
