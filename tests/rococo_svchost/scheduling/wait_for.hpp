// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace rococo::svchost::testing {

/// Waits until something holds that other processes or threads bring about: a minute at most, which
/// fails the test. How busy the machine is decides nothing.
template <typename Condition>
void wait_for(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(4);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            ADD_FAILURE() << "it did not happen within a minute";
            return;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

}  // namespace rococo::svchost::testing
