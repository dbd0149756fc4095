// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "rococo_svchost/processors/service_library.hpp"

namespace rococo::svchost {
namespace {

ServiceLibrary load(const char* path) {
    auto library = ServiceLibrary::load(path);
    EXPECT_TRUE(library) << library.error().message;
    return std::move(*library);
}

std::string chosen(const char* path, Work work, std::string_view module = "",
                   std::string_view type = "") {
    const auto processor = choose_processor(load(path), work, module, type);
    return processor ? (*processor)->type : processor.error().message;
}

TEST(ProcessorChoice, TakesTheOnlyOne) {
    EXPECT_EQ(chosen(CRON_HELPER, Work::schedule), "Sweeper");
}

TEST(ProcessorChoice, PrefersThePackagesProcessorModuleAndThenTheNameEnding) {
    // ReportServiceProcessor is in another module; BatchHelper and RefusesToBeMade have other
    // names.
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::messages), "EchoServiceProcessor");
}

TEST(ProcessorChoice, LooksOnlyAtThoseThatFitTheWork) {
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::schedule), "CronHelper");
}

TEST(ProcessorChoice, FollowsTheModule) {
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::messages, "many_processors.extra.reports"),
              "ReportServiceProcessor");
}

TEST(ProcessorChoice, FollowsTheType) {
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::messages, "", "BatchHelper"), "BatchHelper");
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::messages, "", "ReportServiceProcessor"),
              "ReportServiceProcessor");
}

TEST(ProcessorChoice, RefusesAModuleThatIsNotThere) {
    const std::string text = chosen(CRON_HELPER, Work::schedule, "cron_helper.processor");
    EXPECT_EQ(text, std::string("PROCESSOR_MODULE=cron_helper.processor: ") + CRON_HELPER +
                        " has no such module; it has Sweeper of cron_helper.jobs");
}

TEST(ProcessorChoice, RefusesATypeThatIsNotThere) {
    const std::string text = chosen(CRON_HELPER, Work::schedule, "", "Cleaner");
    EXPECT_EQ(text, std::string("PROCESSOR_TYPE=Cleaner: ") + CRON_HELPER +
                        " has no such processor; it has Sweeper of cron_helper.jobs");
}

TEST(ProcessorChoice, RefusesToChooseBetweenEquals) {
    const auto processor = choose_processor(load(THREE_PROCESSORS), Work::messages, "", "");
    ASSERT_FALSE(processor);
    EXPECT_EQ(processor.error().kind, ErrorKind::configuration);
    EXPECT_EQ(processor.error().message,
              std::string(THREE_PROCESSORS) +
                  " has several processors: RedServiceProcessor of three_processors.processor, "
                  "GreenServiceProcessor of three_processors.processor, BlueServiceProcessor of "
                  "three_processors.processor. Choose one with PROCESSOR_TYPE");
}

TEST(ProcessorChoice, SaysWhenAProcessorIsOfTheOtherKind) {
    const auto schedule = choose_processor(load(CRON_HELPER), Work::messages, "", "");
    ASSERT_FALSE(schedule);
    EXPECT_EQ(schedule.error().kind, ErrorKind::configuration);
    EXPECT_NE(schedule.error().message.find("set EXECUTION_TYPE=CRON"), std::string::npos)
        << schedule.error().message;
    EXPECT_NE(chosen(THREE_PROCESSORS, Work::schedule).find("set EXECUTION_TYPE=MESSAGING"),
              std::string::npos);
}

}  // namespace
}  // namespace rococo::svchost
