// SPDX-License-Identifier: MIT
#include "read_pace.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace rococo::messaging {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kPrefetch = 1000;

class ReadPaceTest : public testing::Test {
protected:
    /// Reads at this rate for so long, each read with what has come since the last.
    void reads(std::size_t per_read, microseconds every, milliseconds during) {
        for (const auto end = now_ + during; now_ < end; now_ += every)
            pace_.note_read(last_ = now_, per_read);
    }
    [[nodiscard]] bool is_patient(std::size_t prefetch = kPrefetch) const {
        return pace_.next_read(prefetch) > last_;
    }

    ReadPace pace_;
    SteadyTime now_{seconds(1000)};
    SteadyTime last_{};
};

TEST_F(ReadPaceTest, ReadsAtOnceBeforeAnythingIsKnown) {
    EXPECT_FALSE(is_patient());
    pace_.note_read(last_ = now_, 1024);
    EXPECT_FALSE(is_patient()) << "one large read tells of no rate";
}

TEST_F(ReadPaceTest, WaitsForMoreAtTenThousandASecond) {
    reads(1, microseconds(100), milliseconds(20));
    EXPECT_EQ(pace_.next_read(kPrefetch), last_ + microseconds(300));
}

TEST_F(ReadPaceTest, ReadsAtOnceBelowThat) {
    reads(1, microseconds(110), milliseconds(20));
    EXPECT_FALSE(is_patient());
}

TEST_F(ReadPaceTest, StaysPatientWhileItsOwnWaitingSlowsTheReads) {
    reads(1, microseconds(100), milliseconds(20));
    reads(4, microseconds(400), milliseconds(20));
    EXPECT_TRUE(is_patient());
}

TEST_F(ReadPaceTest, IsNotPatientWithASmallPrefetch) {
    reads(10, microseconds(100), milliseconds(20));
    EXPECT_TRUE(is_patient(64));
    EXPECT_FALSE(is_patient(63));
}

TEST_F(ReadPaceTest, ForgetsARateFiveMillisecondsAfterItsEnd) {
    reads(10, microseconds(100), milliseconds(20));
    reads(0, microseconds(300), milliseconds(11));
    EXPECT_FALSE(is_patient());
}

TEST_F(ReadPaceTest, TheFirstAfterAQuietTimeIsNoReasonToWait) {
    reads(10, microseconds(100), milliseconds(20));
    now_ += seconds(60);
    pace_.note_read(last_ = now_, 100);
    EXPECT_FALSE(is_patient());
}

TEST_F(ReadPaceTest, ANewConnectionBeginsAnew) {
    reads(10, microseconds(100), milliseconds(20));
    pace_.begin_connection();
    EXPECT_FALSE(is_patient());
}

}  // namespace
}  // namespace rococo::messaging
