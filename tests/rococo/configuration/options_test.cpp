// SPDX-License-Identifier: MIT
#include "rococo/configuration/options.hpp"

#include <gmock/gmock.h>

#include <set>
#include <string>

#include "rococo/configuration/configuration.hpp"
#include "temporary_folder.hpp"

namespace rococo {
namespace {

using testing::ElementsAre;

TEST(Options, HaveUniqueNamesAndHelp) {
    std::set<std::string_view> names;
    for (const Option& option : options()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name << " stands twice";
        EXPECT_FALSE(option.help.empty()) << option.name;
        EXPECT_TRUE(option.help.ends_with('.')) << option.name;
        if (option.type == OptionType::choice) {
            EXPECT_GE(choices_of(option).size(), 2U) << option.name;
        }
    }
}

/// The table checks itself: a default goes through the same door as a user's value.
TEST(Options, HaveDefaultsThatAreAllowed) {
    const TemporaryFolder folder;
    Environment environment;
    for (const Option& option : options()) {
        if (!option.is_pattern() && !option.fallback.empty()) {
            environment.emplace(option.name, option.fallback);
        }
    }
    const Configuration configuration = Configuration::load(environment, folder.path());
    for (const Error& error : configuration.errors()) ADD_FAILURE() << error.message;
    for (const auto& [name, value] : environment) EXPECT_EQ(configuration.text(name), value);
}

TEST(Options, StandTogetherInTheirGroups) {
    std::set<OptionGroup> seen;
    const Option* previous = nullptr;
    for (const Option& option : options()) {
        if (previous == nullptr || previous->group != option.group) {
            EXPECT_TRUE(seen.insert(option.group).second) << option.name << " is out of its group";
        }
        previous = &option;
    }
}

TEST(Options, KnowTheOriginalsVariables) {
    for (const char* name : {"EXECUTION_TYPE",
                             "MESSAGING_TYPE",
                             "PROCESSOR_MODULE",
                             "PROCESSOR_TYPE",
                             "QUEUE_NAME_PREFIX",
                             "ChildLoggingServiceProcessor_QUEUE_NAME",
                             "RABBITMQ_HOST",
                             "RABBITMQ_PORT",
                             "RABBITMQ_USER",
                             "RABBITMQ_PASSWORD",
                             "RABBITMQ_VIRTUAL_HOST",
                             "RABBITMQ_NUM_THREADS",
                             "AWS_ACCESS_KEY_ID",
                             "AWS_ACCESS_KEY_SECRET",
                             "AWS_SECRET_ACCESS_KEY",
                             "AWS_REGION",
                             "CONSUME_CONFIG_FILE_PATH",
                             "CRON_TIME_AMOUNT",
                             "CRON_TIME_UNIT",
                             "CRON_RUN_AT",
                             "CRON_EXPRESSIONS",
                             "RUN_AT_STARTUP",
                             "EXIT_WHEN_FINISHED",
                             "LISTEN_INTERVAL",
                             "VISIBILITY_TIMEOUT"}) {
        const Option* option = find_option(name);
        ASSERT_NE(option, nullptr) << name;
        EXPECT_TRUE(option->original) << name;
    }
    EXPECT_EQ(find_option("HOME"), nullptr);
    EXPECT_EQ(find_option("_QUEUE_NAME"), nullptr) << "a processor without a name";
}

TEST(Options, SayWhatIsAllowed) {
    EXPECT_EQ(allowed_text(*find_option("NUM_THREADS")), "an integer from 1 to 1024");
    EXPECT_EQ(allowed_text(*find_option("PREFETCH")), "an integer from 1 to 65535, or auto");
    EXPECT_EQ(allowed_text(*find_option("EXECUTION_TYPE")), "one of MESSAGING, CRON");
    EXPECT_EQ(allowed_text(*find_option("RABBITMQ_CONNECT_TIMEOUT")),
              "a duration from 100ms to 10m (250ms, 30s, 5m, 2h)");
    EXPECT_EQ(allowed_text(*find_option("CRON_TIME_AMOUNT")), "a number from 0.001 to 1000000000");
    EXPECT_THAT(choices_of(*find_option("ON_FAILURE")), ElementsAre("retry", "ack"));
}

}  // namespace
}  // namespace rococo
