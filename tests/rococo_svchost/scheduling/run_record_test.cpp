// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "rococo_svchost/scheduling/last_run_store.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

class RunRecordTest : public ::testing::Test {
protected:
    LastRunRecord record(int settled) const {
        return {"every 10 s in UTC", clock_.now(), clock_.now() + std::chrono::seconds(settled)};
    }
    /// Saves when it is time to, as the driver's host does.
    void save(const LastRunRecord& record) {
        if (kept_.must_save(record, clock_.steady_now()))
            kept_.saved(record, store_.save(record), clock_.steady_now());
    }
    void break_folder() {
        std::filesystem::remove_all(state_);
        std::ofstream(state_) << "a file where the folder should be";
    }
    void mend_folder() { std::filesystem::remove(state_); }

    tests::TemporaryFolder folder_;
    std::filesystem::path state_ = folder_.path() / "state";
    tests::ManualClock clock_;
    tests::RecordedLog log_;
    LastRunStore store_{state_, "p"};
    RunRecord kept_{log_.logger()};
};

TEST_F(RunRecordTest, WritesWhatHasChangedOnly) {
    save(record(10));
    EXPECT_EQ(kept_.next_try(), SteadyTime::max());
    EXPECT_FALSE(kept_.must_save(record(10), clock_.steady_now()));
    EXPECT_TRUE(kept_.must_save(record(20), clock_.steady_now()));
}

TEST_F(RunRecordTest, SaysAMinuteAtMostThatItCannotWriteHoweverManyRunsThereAre) {
    break_folder();
    for (int i = 0; i < 3000; ++i) {  // Ten runs a second, for five minutes.
        save(record(i));
        clock_.advance(100ms);
    }
    EXPECT_EQ(log_.count("cannot create the state folder"), 5U) << "once a minute";
    EXPECT_TRUE(log_.contains("more times since the last line about it"));
}

TEST_F(RunRecordTest, WritesAgainByItselfWhenItCan) {
    break_folder();
    save(record(10));
    ASSERT_EQ(kept_.next_try(), clock_.steady_now() + 1s);
    mend_folder();
    save(record(10));
    EXPECT_FALSE(std::filesystem::exists(store_.file())) << "too soon";
    // Nothing else is due until then.
    clock_.advance_to(kept_.next_try());
    save(record(10));
    EXPECT_TRUE(std::filesystem::exists(store_.file()));
    EXPECT_EQ(kept_.next_try(), SteadyTime::max());
}

TEST_F(RunRecordTest, PutsOnRecordThatTheClockWasSetThoughNothingElseChanged) {
    save(record(10));
    auto moved = record(10);
    moved.phase += 1h;
    save(moved);
    EXPECT_EQ(store_.load().value()->phase, moved.phase);
}

}  // namespace
}  // namespace rococo::svchost
