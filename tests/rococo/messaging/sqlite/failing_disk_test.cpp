// SPDX-License-Identifier: MIT
// A disk that loses power, or fails, at any moment: nothing that was confirmed is lost, no verdict
// that was called safe is undone, and the file stays whole.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "disk_scenario.hpp"
#include "faulty_disk.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kSteps = 60;

/// Where syncing a directory takes no time; what is safe is for `FaultyDisk` to say.
std::filesystem::path memory() {
    std::error_code error;
    const bool there =
        std::filesystem::is_directory("/dev/shm", error) && ::access("/dev/shm", W_OK) == 0;
    return there ? "/dev/shm" : std::filesystem::temp_directory_path();
}

class FailingDiskTest : public ::testing::Test {
protected:
    /// Runs a scenario until the power goes, and audits what is left; `mutant` as `DiskScenario`.
    [[nodiscard]] static std::vector<std::string> lose_power(unsigned seed, bool mutant) {
        const TemporaryDirectory directory(memory());
        const auto remains = directory.path() / "remains";
        SqliteSettings settings;
        settings.path = directory.path() / "queue.db";
        std::mt19937 random(seed);
        DiskScenario scenario(settings, seed, mutant);
        {
            FaultyDisk disk;
            disk.power_off_before(1 + random() % 500, remains, random());
            scenario.run(kSteps, [&] { return disk.is_off(); });
            if (!disk.is_off()) disk.power_off(remains, random());
            scenario.close();
        }
        const FaultyDisk working;
        return scenario.audit(remains / "queue.db");
    }

    /// Runs a scenario in which the operation `k` fails (0 for none); how many there were.
    static std::uint64_t fail(std::uint64_t k, FaultyDisk::Times times) {
        const TemporaryDirectory directory(memory());
        SqliteSettings settings;
        settings.path = directory.path() / "queue.db";
        const auto remains = directory.path() / "remains";
        DiskScenario scenario(settings, 7);
        std::uint64_t operations = 0;
        {
            FaultyDisk disk;
            disk.fail(k, times);
            scenario.run(kSteps / 3, [] { return false; });
            operations = disk.operations();
            disk.mend();
            disk.power_off(remains, static_cast<unsigned>(k));
            scenario.close();
        }
        if (k != 0 && times == FaultyDisk::Times::from_then_on && k + 20 < operations) {
            EXPECT_GT(scenario.failures(), 0) << "nobody was told of operation " << k;
        }
        const FaultyDisk working;
        EXPECT_THAT(scenario.audit(remains / "queue.db"), IsEmpty()) << "operation " << k;
        return operations;
    }
};

TEST_F(FailingDiskTest, KeepsWhatWasConfirmedWhenThePowerGoesAtAnyMoment) {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        ASSERT_THAT(lose_power(seed, false), IsEmpty()) << "seed " << seed;
    }
}

TEST_F(FailingDiskTest, TheAuditNoticesADatabaseThatDoesNotSync) {
    int noticed = 0;
    for (unsigned seed = 1; seed <= 40; ++seed) noticed += lose_power(seed, true).empty() ? 0 : 1;
    EXPECT_GT(noticed, 10) << "the mutant synchronous=OFF must lose messages";
}

TEST_F(FailingDiskTest, LosesNothingWhenAnyOneOperationFails) {
    const auto operations = fail(0, FaultyDisk::Times::once);
    ASSERT_GT(operations, 100U);
    for (std::uint64_t k = 1; k <= operations && !HasFailure(); ++k) {
        fail(k, FaultyDisk::Times::once);
    }
}

TEST_F(FailingDiskTest, LosesNothingAndSaysSoWhenTheDiskFailsForGood) {
    const auto operations = fail(0, FaultyDisk::Times::once);
    for (std::uint64_t k = 1; k <= operations && !HasFailure(); ++k) {
        fail(k, FaultyDisk::Times::from_then_on);
    }
}

/// A disk with room for a megabyte.
struct SmallDisk {
    SmallDisk() { disk_.set_room(1 << 20); }
    FaultyDisk disk_;
};
class SmallDiskTest : public SmallDisk, public QueueFixture {};  // The disk outlives what uses it.

TEST_F(SmallDiskTest, KeepsEverythingThatWasSentBeforeItWasFull) {
    int sent = 0;
    while (true) {
        const auto result = sender().send("work", message(std::string(10'000, 'x')));
        if (!result) {
            EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
            EXPECT_THAT(result.error().message, HasSubstr("disk is full"));
            break;
        }
        ASSERT_LT(++sent, 10'000);
    }
    ASSERT_GT(sent, 20);
    auto connection = connect(10'000);
    EXPECT_THAT(receive(*connection), IsEmpty()) << "not even a claim fits";
    disk_.set_room(std::nullopt);
    clock_.advance(5s);
    auto deliveries = receive(*connection);
    EXPECT_EQ(deliveries.size(), static_cast<std::size_t>(sent));
    settle_all(*connection, std::move(deliveries), Verdict::ack);
    EXPECT_EQ(receive_events(*connection).settled.size(), static_cast<std::size_t>(sent));
    EXPECT_TRUE(is_empty(*connection));
}

}  // namespace
}  // namespace rococo::messaging::testing
