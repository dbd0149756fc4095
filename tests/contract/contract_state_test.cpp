// SPDX-License-Identifier: MIT
// What `receive` tells of the connection.
#include <algorithm>
#include <stdexcept>

#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr auto kConsuming = ConnectionState::consuming;
constexpr auto kPaused = ConnectionState::paused;
constexpr auto kBlocked = ConnectionState::blocked;
constexpr auto kLost = ConnectionState::lost;

std::vector<ConnectionState> states(const Reader& reader) {
    std::vector<ConnectionState> states;
    for (const auto& change : reader.states) states.push_back(change.state);
    return states;
}

bool is(const Reader& reader, ConnectionState state) {
    return !reader.states.empty() && reader.states.back().state == state;
}

/// The last change to this state; throws where there was none.
const Events::State& last(const Reader& reader, ConnectionState state) {
    const auto found = std::ranges::find(reader.states.rbegin(), reader.states.rend(), state,
                                         &Events::State::state);
    if (found == reader.states.rend()) throw std::runtime_error("it was never in that state");
    return *found;
}

TEST_P(StateTest, ConsumingIsToldOnceItIsOpen) {
    const auto before = std::chrono::steady_clock::now();
    const auto reader = opened();
    EXPECT_TRUE(reader->until([&] { return !reader->states.empty(); }));
    reader->quiet();
    send(1);
    (void)reader->take_one();
    EXPECT_THAT(states(*reader), ElementsAre(kConsuming));
    EXPECT_GE(last(*reader, kConsuming).since, before);
    EXPECT_LE(last(*reader, kConsuming).since, std::chrono::steady_clock::now());
}

TEST_P(StateTest, PausesAreToldEachOnce) {
    const auto reader = opened();
    EXPECT_TRUE(reader->until([&] { return !reader->states.empty(); }));
    reader->adapter().pause();
    reader->adapter().pause();
    EXPECT_TRUE(reader->until([&] { return is(*reader, kPaused); }));
    reader->quiet();
    reader->adapter().resume();
    reader->adapter().resume();
    EXPECT_TRUE(reader->until([&] { return is(*reader, kConsuming); }));
    reader->quiet();
    EXPECT_THAT(states(*reader), ElementsAre(kConsuming, kPaused, kConsuming));
    EXPECT_GT(reader->states[1].since, reader->states[0].since);
    EXPECT_GE(reader->states[2].since, reader->states[1].since + kQuiet);
}

TEST_P(StateTest, AChangeThatIsOverBeforeItIsToldIsToldInOrder) {
    const auto reader = opened();
    EXPECT_TRUE(reader->until([&] { return !reader->states.empty(); }));
    reader->adapter().pause();
    reader->adapter().resume();
    EXPECT_TRUE(reader->until([&] { return reader->states.size() == 3; }));
    EXPECT_THAT(states(*reader), ElementsAre(kConsuming, kPaused, kConsuming));
}

TEST_P(StateTest, BlockedIsToldWithItsReasonAndNothingIsLost) {
    SKIP_WHERE(queue().traits().is_never_blocked);
    send(3);
    const auto reader = opened();
    auto held = reader->take(3);
    queue().begin_block();
    reader->settle(std::move(held[0]), Verdict::dead_letter);
    reader->settle(std::move(held[1]), Verdict::ack);
    reader->settle(std::move(held[2]), Verdict::retry);
    EXPECT_TRUE(reader->until([&] { return is(*reader, kBlocked); }));
    EXPECT_THAT(last(*reader, kBlocked).reason, Not(IsEmpty()));
    queue().end_block();
    EXPECT_TRUE(reader->until([&] { return is(*reader, kConsuming); }));
    EXPECT_GT(last(*reader, kConsuming).since, last(*reader, kBlocked).since);
    reader->settle_down();
    EXPECT_EQ(reader->settled.size(), 3U);
    EXPECT_THAT(reader->lost, IsEmpty());
    EXPECT_EQ(reader->take_one()->body, "3");
}

TEST_P(StateTest, LostIsToldWithItsReasonAndConsumingWhenItIsFoundAgain) {
    SKIP_WHERE(queue().traits().has_no_connection);
    const auto reader = opened();
    EXPECT_TRUE(reader->until([&] { return !reader->states.empty(); }));
    queue().begin_cut();
    EXPECT_TRUE(reader->until([&] { return std::ranges::count(states(*reader), kLost) > 0; }));
    EXPECT_THAT(last(*reader, kLost).reason, Not(IsEmpty()));
    queue().end_cut();
    EXPECT_TRUE(reader->until([&] { return is(*reader, kConsuming); }));
    send(1);
    EXPECT_EQ(reader->take_one()->body, "1");
}

TEST_P(StateTest, LostSaysWhyReceiveFails) {
    SKIP_WHERE(queue().traits().outlives_its_ruin);
    send(1);
    const auto reader = opened();
    auto held = reader->take_one();
    queue().ruin();
    std::string why;
    try {
        reader->settle(std::move(held), Verdict::ack);
        (void)reader->until([] { return false; });
    } catch (const std::runtime_error& error) {
        why = error.what();
    }
    EXPECT_THAT(why, Not(IsEmpty())) << "receive goes on";
    EXPECT_TRUE(is(*reader, kLost));
    EXPECT_EQ(last(*reader, kLost).reason, why);
}

}  // namespace
}  // namespace rococo::messaging::contract
