// SPDX-License-Identifier: MIT
#include "rococo/messaging/connection_states.hpp"

#include <gmock/gmock.h>

#include <utility>

namespace rococo::messaging {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using enum ConnectionState;

constexpr SteadyTime at(int second) { return SteadyTime{std::chrono::seconds(second)}; }

class ConnectionStatesTest : public testing::Test {
protected:
    /// The changes since it was last asked: state and reason.
    std::vector<std::pair<ConnectionState, std::string>> told() {
        Events events;
        states_.tell(events);
        std::vector<std::pair<ConnectionState, std::string>> told;
        for (const auto& change : events.states) told.emplace_back(change.state, change.reason);
        return told;
    }
    /// Since when it is so, by the last change.
    SteadyTime since() {
        Events events;
        states_.tell(events);
        return events.states.empty() ? SteadyTime{} : events.states.back().since;
    }

    ConnectionStates states_;
};

TEST_F(ConnectionStatesTest, BeginsAsConnectingWithoutSayingSo) {
    states_.connecting(at(1));
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ConnectionStatesTest, TellsEachChangeOnceInOrderAndWithItsReason) {
    states_.connected(at(1));
    states_.connected(at(2));
    states_.lost(at(3), "reset");
    states_.connecting(at(4));
    states_.lost(at(5), "refused");
    states_.lost(at(6), "refused again");
    states_.connected(at(7));
    EXPECT_THAT(told(), ElementsAre(Pair(consuming, ""), Pair(lost, "reset"), Pair(connecting, ""),
                                    Pair(lost, "refused"), Pair(consuming, "")));
    EXPECT_THAT(told(), IsEmpty());
}

TEST_F(ConnectionStatesTest, TellsSinceWhen) {
    states_.connected(at(1));
    states_.blocked(at(5), "full");
    EXPECT_EQ(since(), at(5));
    states_.blocked(at(6), "full");
    states_.blocked(at(7), {});
    EXPECT_EQ(since(), at(7));
}

TEST_F(ConnectionStatesTest, PausedHidesBlockedAndLostHidesBoth) {
    states_.connected(at(1));
    states_.blocked(at(2), "full");
    states_.paused(at(3), true);
    states_.lost(at(4), "reset");
    states_.connected(at(5));
    states_.paused(at(6), false);
    states_.blocked(at(7), {});
    EXPECT_THAT(told(), ElementsAre(Pair(consuming, ""), Pair(blocked, "full"),
                                    Pair(paused, "as asked for"), Pair(lost, "reset"),
                                    Pair(paused, "as asked for"), Pair(blocked, "full"),
                                    Pair(consuming, "")));
}

TEST_F(ConnectionStatesTest, WhatIsKnownBeforeTheConnectionCountsFromItsBeginning) {
    states_.paused(at(1), true);
    EXPECT_THAT(told(), IsEmpty());
    states_.connected(at(2));
    EXPECT_TRUE(states_.is_paused());
    EXPECT_THAT(told(), ElementsAre(Pair(paused, "as asked for")));
}

}  // namespace
}  // namespace rococo::messaging
