// SPDX-License-Identifier: MIT
#include "rococo/base/forked_child.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using rococo::ClosedInForkedChild;

/// Whether a forked child still has the descriptor.
bool child_has(int descriptor) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(::fcntl(descriptor, F_GETFD) == -1 ? 0 : 1);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WEXITSTATUS(status) == 1;
}

class ForkedChild : public ::testing::Test {
protected:
    ~ForkedChild() override { ::close(descriptor_); }

    const int descriptor_ = ::open("/dev/null", O_RDWR | O_CLOEXEC);
};

TEST_F(ForkedChild, HasNotWhatIsClosedInIt) {
    EXPECT_TRUE(child_has(descriptor_));
    const ClosedInForkedChild closed(descriptor_);
    EXPECT_FALSE(child_has(descriptor_));
    EXPECT_NE(::fcntl(descriptor_, F_GETFD), -1) << "the parent keeps it";
}

TEST_F(ForkedChild, HasItAgainOnceThatIsOver) {
    { const ClosedInForkedChild closed(descriptor_); }
    EXPECT_TRUE(child_has(descriptor_));
}

TEST_F(ForkedChild, IsFollowedWhereTheObjectMoves) {
    ClosedInForkedChild first(descriptor_);
    ClosedInForkedChild second;
    EXPECT_FALSE(child_has(descriptor_));
    second = std::move(first);
    EXPECT_FALSE(child_has(descriptor_));
}

}  // namespace
