// SPDX-License-Identifier: MIT
#include "process_facts.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost {
namespace {

TEST(ProcessFactsTest, TellsOfThisProcess) {
    const ProcessFacts before = process_facts();
    EXPECT_GT(before.resident, 1'000'000U);
    const FileDescriptor one(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(process_facts().descriptors, before.descriptors + 1);
    // Until a tick of the clock is used up.
    while (process_facts().cpu <= before.cpu) {
    }
}

TEST(ProcessFactsTest, TellsOfChildrenAlsoAfterTheyHaveEnded) {
    const std::uint64_t before = process_facts().children;
    const pid_t child = ::fork();
    if (child == 0) {
        while (true) {
        }
    }
    ProcessFacts facts = process_facts();
    EXPECT_EQ(facts.children, before + 1);
    EXPECT_GT(facts.children_resident, 0U);
    while (facts.children_cpu < std::chrono::milliseconds(20)) facts = process_facts();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(process_facts().children, before);
    EXPECT_GE(process_facts().children_cpu, std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace rococo::svchost
