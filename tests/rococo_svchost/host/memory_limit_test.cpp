// SPDX-License-Identifier: MIT
#include "memory_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <string>

#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// A machine with control groups as these files say.
class MemoryLimit : public testing::Test {
protected:
    void groups(const std::string& text) const { folder_.write("proc/self/cgroup", text); }
    void limit(const std::string& file, const std::string& text) const {
        folder_.write("sys/fs/cgroup/" + file, text + "\n");
    }
    [[nodiscard]] std::size_t limit() const { return memory_limit(folder_.path()); }

    tests::TemporaryFolder folder_;
    const std::size_t machine_ = memory_limit(folder_.path() / "no control groups");
};

TEST_F(MemoryLimit, IsTheMachinesWithoutControlGroups) {
    EXPECT_GT(machine_, 16 * kMiB);
    EXPECT_EQ(limit(), machine_);
    groups("");
    EXPECT_EQ(limit(), machine_);
    groups("nonsense\n1:nonsense\n");
    EXPECT_EQ(limit(), machine_);
}

TEST_F(MemoryLimit, IsTheSmallestOfTheGroupAndItsParents) {
    groups("0::/system.slice/orders.service\n");
    limit("system.slice/orders.service/memory.max", "8388608");
    EXPECT_EQ(limit(), 8 * kMiB);
    limit("system.slice/memory.max", "4194304");
    EXPECT_EQ(limit(), 4 * kMiB);
    limit("system.slice/orders.service/memory.max", "2097152");
    EXPECT_EQ(limit(), 2 * kMiB);
}

TEST_F(MemoryLimit, NoLimitIsNone) {
    groups("0::/a\n");
    limit("a/memory.max", "max");
    limit("memory.max", "");
    EXPECT_EQ(limit(), machine_);
}

TEST_F(MemoryLimit, InAContainerTheMountIsItsGroup) {
    groups("0::/kubepods/pod7/container\n");
    limit("memory.max", "3145728");
    EXPECT_EQ(limit(), 3 * kMiB);
}

TEST_F(MemoryLimit, UnderstandsVersionOneToo) {
    groups("5:cpu,cpuacct:/a\n4:hugetlb,memory:/a/b\n3:memory2:/c\n");
    limit("memory/a/b/memory.limit_in_bytes", "5242880");
    limit("memory/c/memory.limit_in_bytes", "1048576");  // another controller's
    limit("a/memory.max", "1048576");                    // the other version's
    EXPECT_EQ(limit(), 5 * kMiB);
}

TEST_F(MemoryLimit, IsTheAddressSpacesWhereThatIsSmaller) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer needs more address space than there is memory";
#endif
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
    const rlimit lower{machine_ / 2, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_AS, &lower), 0);
    const std::size_t seen = limit();
    ::setrlimit(RLIMIT_AS, &before);
    EXPECT_EQ(seen, machine_ / 2);
}

TEST_F(MemoryLimit, AnEighthOfItIsForMessagesWithinBounds) {
    EXPECT_EQ(default_bytes_in_hand(0), 4 * kMiB);
    EXPECT_EQ(default_bytes_in_hand(32 * kMiB), 4 * kMiB);
    EXPECT_EQ(default_bytes_in_hand(512 * kMiB), 64 * kMiB);
    EXPECT_EQ(default_bytes_in_hand(2048 * kMiB), 256 * kMiB);
    EXPECT_EQ(default_bytes_in_hand(std::size_t{1} << 50U), 256 * kMiB);
}

}  // namespace
}  // namespace rococo::svchost
