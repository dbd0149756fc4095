// SPDX-License-Identifier: MIT
#include "rococo/configuration/configuration.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace rococo {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;

class ConfigurationTest : public testing::Test {
protected:
    [[nodiscard]] Configuration load(const Environment& environment) const {
        return Configuration::load(environment, folder_.path());
    }
    [[nodiscard]] std::vector<std::string> errors(const Environment& environment) const {
        std::vector<std::string> messages;
        const Configuration configuration = load(environment);
        for (const Error& error : configuration.errors()) {
            EXPECT_EQ(exit_code(error.kind), 78);
            messages.push_back(error.message);
        }
        return messages;
    }
    [[nodiscard]] std::vector<std::string> warnings(const Environment& environment) const {
        return load(environment).warnings();
    }
    [[nodiscard]] std::string file(std::string_view name) const {
        return (folder_.path() / name).string();
    }

    TemporaryFolder folder_;
};

TEST_F(ConfigurationTest, HasDefaults) {
    const Configuration configuration = load({});
    EXPECT_THAT(configuration.errors(), IsEmpty());
    EXPECT_THAT(configuration.warnings(), IsEmpty());
    EXPECT_EQ(configuration.text("EXECUTION_TYPE"), "MESSAGING");
    EXPECT_EQ(configuration.text("MESSAGING_TYPE"), "SqliteConnection");
    EXPECT_EQ(configuration.integer("NUM_THREADS"), 1);
    EXPECT_EQ(configuration.integer("MAX_ATTEMPTS"), 5);
    EXPECT_EQ(configuration.duration("RETRY_DELAY_MAX"), 15min);
    EXPECT_EQ(configuration.duration("DRAIN_TIMEOUT"), 8s);
    EXPECT_FALSE(configuration.boolean("RUN_AT_STARTUP"));
    EXPECT_EQ(configuration.path("SQLITE_PATH"), folder_.path() / ".svchost/queue.db");
    EXPECT_FALSE(configuration.has("RABBITMQ_PORT"));
    EXPECT_TRUE(configuration.has("NUM_THREADS"));
    EXPECT_FALSE(configuration.is_set("NUM_THREADS"));
}

TEST_F(ConfigurationTest, TakesTheEnvironmentThenSecretsThenDotenv) {
    folder_.write(".env", "RABBITMQ_HOST=c\nRABBITMQ_USER=c\nRABBITMQ_PASSWORD=c\n");
    folder_.write(".env.secrets", "# secret\nRABBITMQ_HOST=b\nRABBITMQ_PASSWORD=b\n");
    const Configuration configuration = load({{"RABBITMQ_HOST", "a"}});
    EXPECT_EQ(configuration.text("RABBITMQ_HOST"), "a");
    EXPECT_EQ(configuration.find("RABBITMQ_HOST")->origin, "environment");
    EXPECT_EQ(configuration.text("RABBITMQ_PASSWORD"), "b");
    EXPECT_EQ(configuration.find("RABBITMQ_PASSWORD")->origin, file(".env.secrets") + ":3");
    EXPECT_EQ(configuration.text("RABBITMQ_USER"), "c");
    EXPECT_EQ(configuration.find("RABBITMQ_USER")->origin, file(".env") + ":2");
    EXPECT_EQ(configuration.find("RABBITMQ_VIRTUAL_HOST")->origin, "default");
}

TEST_F(ConfigurationTest, NamesFilesOfTheCurrentFolderShortly) {
    const std::filesystem::path before = std::filesystem::current_path();
    folder_.write(".env", "NUM_THREADS=2\n");
    std::filesystem::current_path(folder_.path());
    const Configuration configuration = Configuration::load({}, ".");
    std::filesystem::current_path(before);
    EXPECT_EQ(configuration.find("NUM_THREADS")->origin, ".env:1");
}

TEST_F(ConfigurationTest, ReadsEveryType) {
    const Configuration configuration = load({{"NUM_THREADS", "4"},
                                              {"CRON_TIME_AMOUNT", "0.5"},
                                              {"RUN_AT_STARTUP", "Yes"},
                                              {"EXECUTION_TYPE", "cron"},
                                              {"RETRY_DELAY", "250ms"},
                                              {"SQLITE_PATH", "/var/q.db"},
                                              {"PREFETCH", "AUTO"},
                                              {"CRON_EXPRESSIONS", "@daily\n@hourly"}});
    EXPECT_THAT(configuration.errors(), IsEmpty());
    EXPECT_EQ(configuration.integer("NUM_THREADS"), 4);
    EXPECT_EQ(configuration.text("CRON_TIME_AMOUNT"), "0.5");
    EXPECT_TRUE(configuration.boolean("RUN_AT_STARTUP"));
    EXPECT_EQ(configuration.text("EXECUTION_TYPE"), "CRON") << "the table's spelling";
    EXPECT_EQ(configuration.duration("RETRY_DELAY"), 250ms);
    EXPECT_EQ(configuration.path("SQLITE_PATH"), "/var/q.db");
    EXPECT_EQ(configuration.text("PREFETCH"), "auto");
    EXPECT_EQ(configuration.text("CRON_EXPRESSIONS"), "@daily\n@hourly");
}

TEST_F(ConfigurationTest, AcceptsEverySpellingOfABoolean) {
    for (const char* text : {"1", "true", "TRUE", "yes", "On"}) {
        EXPECT_TRUE(load({{"RUN_AT_STARTUP", text}}).boolean("RUN_AT_STARTUP")) << text;
    }
    for (const char* text : {"0", "false", "No", "OFF"}) {
        const Configuration configuration = load({{"EXIT_WHEN_FINISHED", text}});
        EXPECT_FALSE(configuration.boolean("EXIT_WHEN_FINISHED")) << text;
        EXPECT_TRUE(configuration.is_set("EXIT_WHEN_FINISHED")) << text;
    }
    EXPECT_THAT(errors({{"RUN_AT_STARTUP", "ja"}}),
                ElementsAre("RUN_AT_STARTUP=ja (environment): expected true or false"));
}

TEST_F(ConfigurationTest, MisusedGettersAreBugs) {
    const Configuration configuration = load({});
    EXPECT_THROW((void)configuration.text("NO_SUCH_OPTION"), std::logic_error);
    EXPECT_THROW((void)configuration.is_set("NO_SUCH_OPTION"), std::logic_error);
    EXPECT_THROW((void)configuration.integer("RABBITMQ_HOST"), std::logic_error);
    EXPECT_THROW((void)configuration.integer("PREFETCH"), std::logic_error) << "it is auto";
    EXPECT_THROW((void)configuration.integer("RABBITMQ_PORT"), std::logic_error) << "it has none";
}

TEST_F(ConfigurationTest, RefusesWrongNumbersWithTheRange) {
    for (const char* text : {" 5", "5 "}) {
        EXPECT_THAT(errors({{"RABBITMQ_PORT", text}}),
                    ElementsAre("RABBITMQ_PORT='" + std::string(text) +
                                "' (environment): expected an integer from 1 to 65535"))
            << "blanks must be seen";
    }
    for (const char* text : {"5672x", "1e3", "0x10", "-1", "+1", "0", "65536", "1.0",
                             "99999999999999999999", "nan", "５"}) {
        EXPECT_THAT(errors({{"RABBITMQ_PORT", text}}),
                    ElementsAre("RABBITMQ_PORT=" + std::string(text) +
                                " (environment): expected an integer from 1 to 65535"));
    }
    for (const char* text : {"0", "-1", "1e9", "1025"}) {
        EXPECT_THAT(errors({{"NUM_THREADS", text}}),
                    ElementsAre(EndsWith("expected an integer from 1 to 1024")));
    }
    for (const char* text :
         {"0", "-1", "nan", "1e99", "inf", ".5", "5.", "1,5", "1.2.3", "9999999999"}) {
        EXPECT_THAT(errors({{"CRON_TIME_AMOUNT", text}}),
                    ElementsAre(EndsWith("expected a number from 0.001 to 1000000000")));
    }
    EXPECT_THAT(errors({{"DRAIN_TIMEOUT", "2d"}}),
                ElementsAre("DRAIN_TIMEOUT=2d (environment): expected a duration from 0 to 1d "
                            "(250ms, 30s, 5m, 2h)"));
}

TEST_F(ConfigurationTest, SuggestsTheChoiceThatWasMeant) {
    EXPECT_THAT(errors({{"EXECUTION_TYPE", "corn"}}),
                ElementsAre("EXECUTION_TYPE=corn (environment): expected one of MESSAGING, CRON; "
                            "did you mean CRON?"));
    EXPECT_THAT(errors({{"MESSAGING_TYPE", "RabitMqConnection"}}),
                ElementsAre(EndsWith("did you mean RabbitMqConnection?")));
    EXPECT_THAT(errors({{"PREFETCH", "atuo"}}), ElementsAre(EndsWith("did you mean auto?")));
    EXPECT_THAT(errors({{"EXECUTION_TYPE", "batch"}}), ElementsAre(Not(HasSubstr("did you mean"))));
}

TEST_F(ConfigurationTest, ReportsEverythingAtOnce) {
    folder_.write(".env", "LOG_LEVEL=loud\nbroken line\n");
    folder_.write(".env.secrets", "RABBITMQ_PORT=x\n");
    EXPECT_THAT(errors({{"EXECUTION_TYPE", "corn"}, {"NUM_THREADS", "0"}}),
                ElementsAre(HasSubstr(".env:2: expected = after broken"),
                            StartsWith("EXECUTION_TYPE=corn"), StartsWith("NUM_THREADS=0"),
                            AllOf(StartsWith("RABBITMQ_PORT=x"), HasSubstr(".env.secrets:1"))));
}

TEST_F(ConfigurationTest, WrongValuesLeaveTheDefault) {
    const Configuration configuration = load({{"NUM_THREADS", "0"}});
    EXPECT_EQ(configuration.integer("NUM_THREADS"), 1);
}

TEST_F(ConfigurationTest, EmptyValuesMeanTheDefault) {
    folder_.write(".env", "NUM_THREADS=7\n");
    const Configuration configuration =
        load({{"NUM_THREADS", ""}, {"QUEUE_NAME_PREFIX", ""}, {"EXECUTION_TYPE", ""}});
    EXPECT_THAT(configuration.errors(), IsEmpty());
    EXPECT_EQ(configuration.integer("NUM_THREADS"), 1);
    EXPECT_EQ(configuration.text("QUEUE_NAME_PREFIX"), "");
    EXPECT_EQ(configuration.text("EXECUTION_TYPE"), "MESSAGING");
}

TEST_F(ConfigurationTest, NeverShowsSecrets) {
    folder_.write("password", "s3cret\nmore");
    const Environment wrong = {{"RABBITMQ_PASSWORD", "s3cret\x01"},
                               {"RABBITMQ_URL", "s3cret\n"},
                               {"AWS_SESSION_TOKEN_FILE", file("password")}};
    EXPECT_THAT(
        errors(wrong),
        ElementsAre("RABBITMQ_PASSWORD=*** (environment): contains a control character, which "
                    "is not allowed",
                    HasSubstr("RABBITMQ_URL=***"), HasSubstr("AWS_SESSION_TOKEN=***")));
    for (const std::string& line :
         warnings({{"RABBITMQ_PASSWORD", "\"s3cret\""}, {"RABBITMQ_PASWORD", "s3cret"}})) {
        EXPECT_THAT(line, Not(HasSubstr("s3cret")));
    }
}

TEST_F(ConfigurationTest, RefusesControlCharactersAndForeignEncodings) {
    EXPECT_THAT(
        errors({{"QUEUE_NAME_PREFIX", "A\r"}}),
        ElementsAre("QUEUE_NAME_PREFIX=A\\r (environment): contains a carriage return; does "
                    "it come from a file with CRLF line endings?"));
    EXPECT_THAT(errors({{"RABBITMQ_HOST", "\xFF"}}),
                ElementsAre("RABBITMQ_HOST=\\xff (environment): is not UTF-8"));
    EXPECT_THAT(errors({{"RABBITMQ_HOST", "a\nb"}}), ElementsAre(HasSubstr("a\\nb")));
    const std::string wide(10000, 'x');
    EXPECT_LT(errors({{"EXECUTION_TYPE", wide}}).front().size(), 300U);
}

TEST_F(ConfigurationTest, ExplainsThePortThatKubernetesSets) {
    EXPECT_THAT(errors({{"RABBITMQ_PORT", "tcp://10.0.0.11:5672"}}),
                ElementsAre(HasSubstr("Kubernetes sets this")));
}

// ---- NAME_FILE ----

TEST_F(ConfigurationTest, ReadsAValueFromAFile) {
    folder_.write("password", "s3cret \n");
    folder_.write(".env", "RABBITMQ_USER_FILE=user\n");
    folder_.write("user", "rabbit\r\n");
    const Configuration configuration = load({{"RABBITMQ_PASSWORD_FILE", file("password")}});
    EXPECT_THAT(configuration.errors(), IsEmpty());
    EXPECT_THAT(configuration.warnings(), IsEmpty());
    EXPECT_EQ(configuration.text("RABBITMQ_PASSWORD"), "s3cret ") << "one line break, no more";
    EXPECT_EQ(configuration.find("RABBITMQ_PASSWORD")->origin,
              file("password") + " (RABBITMQ_PASSWORD_FILE)");
    EXPECT_EQ(configuration.text("RABBITMQ_USER"), "rabbit") << "relative to the service's folder";
}

TEST_F(ConfigurationTest, RefusesAValueAndItsFileInOnePlace) {
    folder_.write("password", "x");
    EXPECT_THAT(
        errors({{"RABBITMQ_PASSWORD", "y"}, {"RABBITMQ_PASSWORD_FILE", file("password")}}),
        ElementsAre("RABBITMQ_PASSWORD (environment) and RABBITMQ_PASSWORD_FILE (environment) are "
                    "both set; remove one of them"));
    folder_.write(".env", "RABBITMQ_PASSWORD=from the file\n");
    const Configuration configuration = load({{"RABBITMQ_PASSWORD_FILE", file("password")}});
    EXPECT_THAT(configuration.errors(), IsEmpty()) << "the environment comes first";
    EXPECT_EQ(configuration.text("RABBITMQ_PASSWORD"), "x");
}

TEST_F(ConfigurationTest, RefusesFilesThatCannotBeRead) {
    ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
    folder_.write("empty", "\n");
    EXPECT_THAT(errors({{"RABBITMQ_PASSWORD_FILE", "/nowhere/password"}}),
                ElementsAre("RABBITMQ_PASSWORD_FILE=/nowhere/password (environment): there is no "
                            "such file"));
    EXPECT_THAT(errors({{"RABBITMQ_PASSWORD_FILE", file("fifo")}}),
                ElementsAre(EndsWith("/fifo (environment): is a FIFO; expected a regular file")));
    EXPECT_THAT(errors({{"RABBITMQ_PASSWORD_FILE", "fifo"}}),
                ElementsAre(AllOf(StartsWith("RABBITMQ_PASSWORD_FILE=fifo (environment): /"),
                                  EndsWith("/fifo: is a FIFO; expected a regular file"))));
    EXPECT_THAT(errors({{"RABBITMQ_PASSWORD_FILE", file("empty")}}),
                ElementsAre(EndsWith("the file is empty")));
}

TEST_F(ConfigurationTest, LeavesOptionsThatEndInFileAlone) {
    const Configuration configuration =
        load({{"RABBITMQ_TLS_CA_FILE", "ca.pem"},
              {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/var/token"}});
    EXPECT_THAT(configuration.errors(), IsEmpty());
    EXPECT_EQ(configuration.path("RABBITMQ_TLS_CA_FILE"), folder_.path() / "ca.pem");
    EXPECT_EQ(configuration.text("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "/var/token");
    EXPECT_FALSE(configuration.has("AWS_CONTAINER_AUTHORIZATION_TOKEN"));
}

// ---- Files that are no files ----

TEST_F(ConfigurationTest, RefusesAFolderInTheFilesPlace) {
    std::filesystem::create_directory(folder_.path() / ".env");
    ASSERT_EQ(::mkfifo(file(".env.secrets").c_str(), 0600), 0);
    EXPECT_THAT(errors({}),
                ElementsAre(HasSubstr(".env.secrets: is a FIFO"), HasSubstr(".env: is a folder")));
}

// ---- Warnings ----

TEST_F(ConfigurationTest, TakesLiteralQuotesOffAndSaysSo) {
    folder_.write(".env", "RABBITMQ_USER='\"quoted\"'\n");
    const Configuration configuration =
        load({{"QUEUE_NAME_PREFIX", "\"X_\""}, {"NUM_THREADS", "'4'"}, {"LOG_FORMAT", "\""}});
    EXPECT_EQ(configuration.text("QUEUE_NAME_PREFIX"), "X_");
    EXPECT_EQ(configuration.integer("NUM_THREADS"), 4);
    EXPECT_EQ(configuration.text("RABBITMQ_USER"), "\"quoted\"") << "asked for by the file";
    EXPECT_THAT(configuration.warnings(),
                ElementsAre(StartsWith("QUEUE_NAME_PREFIX (environment) is wrapped in quotes"),
                            StartsWith("NUM_THREADS (environment) is wrapped in quotes")));
    EXPECT_EQ(configuration.errors().size(), 1U) << "LOG_FORMAT is one quote";
}

TEST_F(ConfigurationTest, QuotesWithinAValueAreAPartOfIt) {
    const Configuration configuration = load({{"PROCESSOR_COMMAND", "'a b' 'c'"}});
    EXPECT_EQ(configuration.text("PROCESSOR_COMMAND"), "'a b' 'c'");
    EXPECT_THAT(configuration.warnings(), IsEmpty());
}

TEST_F(ConfigurationTest, WarnsOfVariablesThatLookLikeOurs) {
    folder_.write(".env", "CRON_TIMEZOEN=Europe/Berlin\n");
    EXPECT_THAT(
        warnings({{"RABBITMQ_HOTS", "a"},
                  {"SQLITE_FOO_BAR_BAZ", "b"},
                  {"MAX_ATTEMPS", "3"},
                  {"LOGLEVEL", "DEBUG"},
                  {"queue_name_prefix", "X_"}}),
        ElementsAre(
            HasSubstr(".env:1) is not a variable of svchost and has no effect; did you mean "
                      "CRON_TIMEZONE?"),
            StartsWith("LOGLEVEL (environment)"), EndsWith("did you mean MAX_ATTEMPTS?"),
            "RABBITMQ_HOTS (environment) is not a variable of svchost and has no effect; did "
            "you mean RABBITMQ_HOST?",
            "SQLITE_FOO_BAR_BAZ (environment) is not a variable of svchost and has no effect",
            EndsWith("did you mean QUEUE_NAME_PREFIX?")));
}

TEST_F(ConfigurationTest, DoesNotWarnOfOtherPeoplesVariables) {
    EXPECT_THAT(warnings({{"HOME", "/root"},
                          {"PATH", "/bin"},
                          {"SHELL", "sh"},
                          {"HOSTNAME", "h"},
                          {"TZ", "UTC"},
                          {"AWS_PAGER", ""},
                          {"AWS_EXECUTION_ENV", "x"},
                          {"ENVIRONMENT", "production"},
                          {"RABBITMQ_DEFAULT_USER", "u"},
                          {"RABBITMQ_NODENAME", "n"},
                          {"RABBITMQ_SERVICE_HOST", "10.0.0.1"},
                          {"RABBITMQ_PORT_5672_TCP_ADDR", "10.0.0.1"},
                          {"RABBITMQ_PASSWORD_FILE", ""},
                          {"DATABASE_URL", "x"}}),
                IsEmpty());
}

// ---- Queue names ----

TEST_F(ConfigurationTest, JoinsPrefixAndQueueName) {
    folder_.write(".env", "Orders_QUEUE_NAME=orders\n");
    EXPECT_EQ(load({}).queue_name("Orders"), "orders") << "the prefix may be absent";
    const Configuration configuration = load({{"QUEUE_NAME_PREFIX", "X_"}});
    EXPECT_EQ(configuration.queue_name("Orders"), "X_orders");
    EXPECT_EQ(configuration.text("Orders_QUEUE_NAME"), "orders");
    EXPECT_EQ(configuration.text("Other_QUEUE_NAME"), "");
    ASSERT_NE(configuration.find("Orders_QUEUE_NAME"), nullptr);
    EXPECT_EQ(configuration.find("Orders_QUEUE_NAME")->origin, file(".env") + ":1");
}

TEST_F(ConfigurationTest, ReadsAQueueNameFromAFile) {
    folder_.write("name", "orders\n");
    EXPECT_EQ(load({{"Orders_QUEUE_NAME_FILE", file("name")}}).queue_name("Orders"), "orders");
}

TEST_F(ConfigurationTest, SaysWhichQueueNameIsMissing) {
    const auto missing = load({}).queue_name("Orders");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::configuration);
    EXPECT_THAT(missing.error().message, StartsWith("Orders_QUEUE_NAME is not set"));
    EXPECT_THAT(load({{"Odrers_QUEUE_NAME", "x"}}).queue_name("Orders").error().message,
                EndsWith("did you mean Odrers_QUEUE_NAME?"));
    EXPECT_THAT(load({{"Something_QUEUE_NAME", "x"}}).queue_name("Orders").error().message,
                EndsWith("Something_QUEUE_NAME is set, but for another processor"));
    EXPECT_FALSE(load({{"Orders_QUEUE_NAME", ""}}).queue_name("Orders"));
}

// ---- For the host ----

TEST_F(ConfigurationTest, HandsOnWhatTheFilesAdd) {
    folder_.write(".env", "DATABASE_URL=x\nHOME=/other\nA=env\n");
    folder_.write(".env.secrets", "A=secrets\nAPI_KEY=k\n");
    EXPECT_THAT(load({{"HOME", "/root"}}).additional_environment(),
                ElementsAre(Pair("A", "secrets"), Pair("API_KEY", "k"), Pair("DATABASE_URL", "x")));
}

TEST_F(ConfigurationTest, WordsErrorsOfOthersTheSameWay) {
    const Configuration configuration = load({{"CRON_RUN_AT", "25:00"}});
    const Error error = configuration.invalid("CRON_RUN_AT", "hours go from 0 to 23");
    EXPECT_EQ(error.kind, ErrorKind::configuration);
    EXPECT_EQ(error.message, "CRON_RUN_AT=25:00 (environment): hours go from 0 to 23");
}

TEST(ProcessEnvironment, IsTheProcessesOwn) {
    ASSERT_EQ(::setenv("ROCOCO_TEST_VARIABLE", "a=b", 1), 0);
    EXPECT_THAT(process_environment(), Contains(Pair("ROCOCO_TEST_VARIABLE", "a=b")));
    ::unsetenv("ROCOCO_TEST_VARIABLE");
}

}  // namespace
}  // namespace rococo
