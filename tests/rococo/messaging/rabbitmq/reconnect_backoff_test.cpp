// SPDX-License-Identifier: MIT
#include "reconnect_backoff.hpp"

#include <gmock/gmock.h>

#include <limits>

namespace rococo::messaging {
namespace {

using namespace std::chrono_literals;

RabbitMqSettings settings() {
    RabbitMqSettings settings;
    settings.backoff_first = 100ms;
    settings.backoff_limit = 1s;
    return settings;
}

TEST(ReconnectBackoff, DoublesUpToItsLimitWithJitterInTheUpperHalf) {
    ReconnectBackoff shortest(settings(), [] { return 0; });
    // Nine tenths of the whole: the remainder by 501, 251, … is what counts.
    ReconnectBackoff longest(settings(), [] { return std::numeric_limits<std::uint64_t>::max(); });
    for (const auto whole : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        EXPECT_EQ(shortest.next(), whole / 2);
        const auto pause = longest.next();
        EXPECT_GE(pause, whole / 2);
        EXPECT_LE(pause, whole);
    }
}

TEST(ReconnectBackoff, BeginsAnewAfterASuccess) {
    ReconnectBackoff backoff(settings(), [] { return 0; });
    for (int i = 0; i < 100; ++i) EXPECT_LE(backoff.next(), 1s);
    backoff.reset();
    EXPECT_EQ(backoff.next(), 50ms);
}

}  // namespace
}  // namespace rococo::messaging
