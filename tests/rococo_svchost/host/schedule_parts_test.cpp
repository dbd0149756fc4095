// SPDX-License-Identifier: MIT
#include "schedule_parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "rococo_svchost/host/schedule.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

/// A schedule needs its service's name and no queue.
class ReportsService final : public Service {
public:
    [[nodiscard]] const std::filesystem::path& path() const override { return path_; }
    [[nodiscard]] std::string_view package() const override { return "reports"; }
    [[nodiscard]] std::string_view version() const override { return "1.0.0"; }
    [[nodiscard]] std::string_view sdk_version() const override { return "1.0.0"; }
    [[nodiscard]] const std::vector<ProcessorInfo>& processors() const override {
        return processors_;
    }
    [[nodiscard]] std::unique_ptr<ProcessorFactory> factory(const ProcessorInfo&,
                                                            HostServices) const override {
        return nullptr;
    }

private:
    const std::filesystem::path path_ = "reports.service.so";
    const std::vector<ProcessorInfo> processors_{
        {.type = "Reports", .module = "reports.processor", .work = Work::schedule}};
};

class SchedulePartsTest : public testing::Test {
protected:
    /// The context with these settings, besides EXECUTION_TYPE=CRON.
    HostContext context(Environment environment) {
        environment["EXECUTION_TYPE"] = "CRON";
        configuration_ = Configuration::load(environment, folder_.path());
        queue_kind_ = *make_queue_kind({configuration_, clock_, log_.logger(), machine_random()});
        return {.configuration = configuration_,
                .options = options_,
                .log = host_log_,
                .logger = log_.logger(),
                .clock = clock_,
                .random = {},
                .queue_kind = *queue_kind_,
                .service = service_,
                .processor = service_.processors().front(),
                .language = language_,
                .systemd = systemd_};
    }

    tests::TemporaryFolder folder_;
    const std::string state_ = (folder_.path() / "state").string();
    tests::ManualClock clock_;
    tests::RecordedLog log_;
    HostLog host_log_{LogLevel::critical, LogFormat::text};
    HostOptions options_;
    const std::string language_ = "library";
    const SystemdNotifier systemd_;
    Configuration configuration_;
    std::unique_ptr<QueueKind> queue_kind_;
    ReportsService service_;
};

TEST_F(SchedulePartsTest, RunsAreRecordedWhereTheUserSetAFolder) {
    const auto kept = prepare_schedule(
        context({{"CRON_EXPRESSIONS", "@daily"}, {"STATE_DIR", state_}}), clock_.now());
    ASSERT_TRUE(kept);
    ASSERT_TRUE(kept->store);
    EXPECT_THAT(kept->store->file().string(), StartsWith(state_));
    EXPECT_THAT(kept->store->file().filename().string(), HasSubstr("Reports"));
    const auto unkept = prepare_schedule(context({{"CRON_EXPRESSIONS", "@daily"}}), clock_.now());
    ASSERT_TRUE(unkept);
    EXPECT_FALSE(unkept->store);
    const auto elected = prepare_schedule(
        context({{"CRON_EXPRESSIONS", "@daily"}, {"STATE_DIR", state_}, {"CRON_LEADER", "sqlite"}}),
        clock_.now());
    ASSERT_TRUE(elected);
    EXPECT_FALSE(elected->store) << "the election keeps the latest claim";
    EXPECT_FALSE(std::filesystem::exists(state_)) << "nothing is made";
}

TEST_F(SchedulePartsTest, AllErrorsAreToldTogether) {
    const auto file = folder_.write("file", "").string();
    const auto parts = prepare_schedule(
        context({{"CRON_EXPRESSIONS", "61 * * * *; 0 25 * * *"}, {"STATE_DIR", file}}),
        clock_.now());
    ASSERT_FALSE(parts);
    EXPECT_EQ(log_failures(log_.logger(), parts.error()), 78);
    EXPECT_TRUE(log_.contains("minute 61"));
    EXPECT_TRUE(log_.contains("hour 25"));
    EXPECT_TRUE(log_.contains("CRITICAL: STATE_DIR=" + file));
}

TEST_F(SchedulePartsTest, ACheckTellsTheScheduleAndWritesNothing) {
    EXPECT_EQ(
        check_schedule(context(
            {{"CRON_EXPRESSIONS", "0 9 * * *"}, {"CRON_TIMEZONE", "UTC"}, {"STATE_DIR", state_}})),
        0);
    EXPECT_THAT(log_.lines(), ElementsAre(StartsWith("INFO: Schedule: "),
                                          "INFO: Next run: 2023-11-15T09:00:00+00:00"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(SchedulePartsTest, ACheckWarnsOfARecordThatCannotBeRead) {
    const Environment settings{{"CRON_EXPRESSIONS", "@daily"}, {"STATE_DIR", state_}};
    const LastRunStore store(state_, "Reports");
    folder_.write(store.file(), "this is no record");
    EXPECT_EQ(check_schedule(context(settings)), 0);
    EXPECT_THAT(log_.lines(), Contains(StartsWith("WARNING: ")));
    EXPECT_TRUE(log_.contains(store.file().string()));
}

TEST_F(SchedulePartsTest, ACheckFailsWithTheSchedule) {
    EXPECT_EQ(check_schedule(context({{"CRON_EXPRESSIONS", "never"}})), 78);
    EXPECT_FALSE(log_.contains("INFO: Schedule"));
}

TEST_F(SchedulePartsTest, ACheckFailsWithTheElection) {
    folder_.write("file", "where a folder should be");
    EXPECT_EQ(check_schedule(context({{"CRON_EXPRESSIONS", "@daily"},
                                      {"CRON_LEADER", "sqlite"},
                                      {"SQLITE_PATH", "file/queue.db"}})),
              69);
    EXPECT_TRUE(log_.contains("CRITICAL: "));
}

TEST(ScheduleErrors, ToldOnceAreNotToldAgain) {
    const tests::TemporaryFolder folder;
    const auto errors = [&](const Environment& environment) {
        const auto configuration = Configuration::load(environment, folder.path());
        return schedule_errors(configuration, tests::ManualClock().now());
    };
    EXPECT_THAT(errors({}), Not(IsEmpty())) << "there is no schedule";
    EXPECT_THAT(errors({{"CRON_TIME_AMOUNT", "5"}, {"CRON_TIME_UNIT", "MINUTES"}}), IsEmpty());
    EXPECT_THAT(errors({{"CRON_TIME_AMOUNT", "5"}}), SizeIs(1)) << "the unit is missing";
    // The configuration itself has told these.
    EXPECT_THAT(errors({{"CRON_TIME_AMOUNT", "five"}, {"CRON_TIME_UNIT", "MINUTES"}}), IsEmpty());
    EXPECT_THAT(errors({{"CRON_TIME_AMOUNT", "5"}, {"CRON_TIME_UNIT", "MOONS"}}), IsEmpty());
}

}  // namespace
}  // namespace rococo::svchost
