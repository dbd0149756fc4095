// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/processor_choice.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "rococo_svchost/processors/library_service.hpp"

namespace rococo::svchost {
namespace {

std::unique_ptr<Service> load(const char* path) {
    auto service = LibraryService::load(path);
    EXPECT_TRUE(service) << service.error().message;
    return std::move(*service);
}

std::string chosen(const char* path, Work work, std::string_view module = "",
                   std::string_view type = "") {
    const auto choice = choose_processor(*load(path), work, module, type);
    if (!choice) return choice.error().message;
    std::string text = choice->processor.type;
    for (const std::string& note : choice->notes) text += "; " + note;
    return text;
}

TEST(ProcessorChoice, TakesTheOnlyOne) {
    EXPECT_EQ(chosen(CRON_HELPER, Work::schedule), "Sweeper");
}

TEST(ProcessorChoice, OfThoseInOneFileTakesTheOneThatIsNamedAServiceProcessor) {
    // Beside BatchHelper and RefusesToBeMade.
    EXPECT_EQ(chosen(MANY_PROCESSORS, Work::messages, "many_processors.processor"),
              "EchoServiceProcessor");
}

TEST(ProcessorChoice, DoesNotGuessBetweenFiles) {
    const std::string text = chosen(MANY_PROCESSORS, Work::messages);
    EXPECT_NE(text.find("EchoServiceProcessor of many_processors.processor"), std::string::npos);
    EXPECT_NE(text.find("ReportServiceProcessor of many_processors.extra.reports"),
              std::string::npos);
    EXPECT_NE(text.find("Choose one with PROCESSOR_TYPE or PROCESSOR_MODULE, for example "
                        "PROCESSOR_TYPE="),
              std::string::npos)
        << text;
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

TEST(ProcessorChoice, PassesOverWhatWasKeptFromTheOriginalWhereOneIsLeftAnyway) {
    EXPECT_EQ(chosen(CRON_HELPER, Work::schedule, "services.sweeper.src.processor"),
              "Sweeper; PROCESSOR_MODULE=services.sweeper.src.processor names no module of this "
              "service and has no effect: Sweeper of cron_helper.jobs is used");
    EXPECT_EQ(chosen(CRON_HELPER, Work::schedule, "", "Cleaner"),
              "Sweeper; PROCESSOR_TYPE=Cleaner names no processor of this service and has no "
              "effect: Sweeper of cron_helper.jobs is used");
}

TEST(ProcessorChoice, RefusesWhatNamesNothingWhereSeveralAreLeft) {
    EXPECT_EQ(chosen(THREE_PROCESSORS, Work::messages, "", "GrayServiceProcessor"),
              std::string("PROCESSOR_TYPE=GrayServiceProcessor: ") + THREE_PROCESSORS +
                  " has no such processor; it has RedServiceProcessor of "
                  "three_processors.processor, GreenServiceProcessor of "
                  "three_processors.processor, BlueServiceProcessor of three_processors.processor");
    const std::string module = chosen(THREE_PROCESSORS, Work::messages, "src.processor");
    EXPECT_TRUE(module.starts_with("PROCESSOR_MODULE=src.processor: ")) << module;
    // A name that is near does not make the choice.
    const std::string type = chosen(MANY_PROCESSORS, Work::messages, "", "EchoServicProcessor");
    EXPECT_TRUE(type.starts_with("PROCESSOR_TYPE=EchoServicProcessor: ")) << type;
}

TEST(ProcessorChoice, RefusesAModuleAndATypeThatDoNotGoTogether) {
    const std::string text = chosen(MANY_PROCESSORS, Work::messages,
                                    "many_processors.extra.reports", "EchoServiceProcessor");
    EXPECT_NE(text.find("do not go together"), std::string::npos) << text;
}

TEST(ProcessorChoice, RefusesToChooseBetweenEquals) {
    const auto processor = choose_processor(*load(THREE_PROCESSORS), Work::messages, "", "");
    ASSERT_FALSE(processor);
    EXPECT_EQ(processor.error().kind, ErrorKind::configuration);
    EXPECT_EQ(processor.error().message,
              std::string(THREE_PROCESSORS) +
                  " has several processors: RedServiceProcessor of three_processors.processor, "
                  "GreenServiceProcessor of three_processors.processor, BlueServiceProcessor of "
                  "three_processors.processor. Choose one with PROCESSOR_TYPE, for example "
                  "PROCESSOR_TYPE=RedServiceProcessor");
}

TEST(ProcessorChoice, SaysWhenAProcessorIsOfTheOtherKind) {
    const auto schedule = choose_processor(*load(CRON_HELPER), Work::messages, "", "");
    ASSERT_FALSE(schedule);
    EXPECT_EQ(schedule.error().kind, ErrorKind::configuration);
    EXPECT_NE(schedule.error().message.find("set EXECUTION_TYPE=CRON"), std::string::npos)
        << schedule.error().message;
    EXPECT_NE(chosen(THREE_PROCESSORS, Work::schedule).find("set EXECUTION_TYPE=MESSAGING"),
              std::string::npos);
}

}  // namespace
}  // namespace rococo::svchost
