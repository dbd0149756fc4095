// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/load_service.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class LoadService : public testing::Test {
protected:
    [[nodiscard]] Result<LoadedService> load(const Environment& environment) const {
        return load_service(Configuration::load(environment, folder_.path()));
    }

    tests::TemporaryFolder folder_;
};

TEST_F(LoadService, FindsTheServiceAndTheProcessorForTheWork) {
    const auto messages =
        load({{"SERVICE_LIBRARY", MANY_PROCESSORS}, {"PROCESSOR_TYPE", "BatchHelper"}});
    ASSERT_TRUE(messages) << messages.error().message;
    EXPECT_EQ(messages->service->package(), "many_processors");
    EXPECT_EQ(messages->processor.work, Work::messages);
    EXPECT_TRUE(messages->processor.takes_batches);
    const auto schedule = load({{"SERVICE_LIBRARY", CRON_HELPER}, {"EXECUTION_TYPE", "CRON"}});
    ASSERT_TRUE(schedule) << schedule.error().message;
    EXPECT_EQ(schedule->processor.type, "Sweeper");
    EXPECT_EQ(schedule->processor.work, Work::schedule);
}

TEST_F(LoadService, SaysTheFirstThingThatIsWrong) {
    const auto absent = load({});
    ASSERT_FALSE(absent);
    EXPECT_EQ(absent.error().kind, ErrorKind::service);
    EXPECT_THAT(absent.error().message, StartsWith("no service found"));
    const auto text = load({{"SERVICE_LIBRARY", folder_.write("a.service.so", "text").string()}});
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().kind, ErrorKind::service);
    EXPECT_THAT(text.error().message, HasSubstr("it is not a shared library"));
    const auto several = load({{"SERVICE_LIBRARY", THREE_PROCESSORS}});
    ASSERT_FALSE(several);
    EXPECT_EQ(several.error().kind, ErrorKind::configuration);
    const auto other = load({{"SERVICE_LIBRARY", CRON_HELPER}});
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().message, HasSubstr("set EXECUTION_TYPE=CRON"));
}

TEST_F(LoadService, LogsWhatTheOriginalLogs) {
    const auto loaded = load({{"SERVICE_LIBRARY", CRON_HELPER},
                              {"EXECUTION_TYPE", "CRON"},
                              {"PROCESSOR_MODULE", "from.the.original"}});
    ASSERT_TRUE(loaded) << loaded.error().message;
    const tests::RecordedLog log;
    log_service(*loaded, log.logger());
    EXPECT_THAT(
        log.lines(),
        ElementsAre(StartsWith("WARNING: PROCESSOR_MODULE=from.the.original names no "
                               "module of this service"),
                    "INFO: processor_module: cron_helper.jobs", "INFO: processor_type: Sweeper",
                    StartsWith("INFO: Service Processor Version: "),
                    StartsWith("DEBUG: service library: " + std::string(CRON_HELPER))));
}

}  // namespace
}  // namespace rococo::svchost
