// SPDX-License-Identifier: MIT
#include "rococo/base/random.hpp"

#include <gmock/gmock.h>

#include <set>

#include "support/seeded_random.hpp"

namespace rococo {
namespace {

using ::testing::MatchesRegex;

TEST(Random, MakesUuidsOfVersion4) {
    EXPECT_THAT(
        random_uuid(seeded_random(1)),
        MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_EQ(random_uuid([] { return std::uint64_t{0}; }), "00000000-0000-4000-8000-000000000000");
    EXPECT_EQ(random_uuid([] { return ~std::uint64_t{0}; }),
              "ffffffff-ffff-4fff-bfff-ffffffffffff");
    EXPECT_EQ(random_uuid([n = std::uint64_t{0}]() mutable {
                  return n++ == 0 ? 0x0123456789abcdefU : 0xfedcba9876543210U;
              }),
              "01234567-89ab-4def-bedc-ba9876543210");
}

TEST(Random, CopiesOfAMachinesSourceShareOneGenerator) {
    const RandomSource first = machine_random();
    const RandomSource copy = first;
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert({first(), copy()});
    EXPECT_EQ(seen.size(), 2000U);
    EXPECT_NE(machine_random()(), machine_random()()) << "each is seeded anew";
}

TEST(Random, AForkGoesItsOwnWay) {
    const RandomSource parent = seeded_random();
    const RandomSource one = fork_random(parent);
    const RandomSource other = fork_random(parent);
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert({parent(), one(), other()});
    EXPECT_EQ(seen.size(), 3000U);
    const RandomSource again = fork_random([] { return 1U; });
    EXPECT_EQ(again(), fork_random([] { return 1U; })()) << "the seed decides";
}

TEST(Random, FractionsLieBetweenZeroAndOne) {
    EXPECT_EQ(to_fraction(0), 0.0);
    EXPECT_EQ(to_fraction(std::uint64_t{1} << 63U), 0.5);
    EXPECT_LT(to_fraction(~std::uint64_t{0}), 1.0);
}

}  // namespace
}  // namespace rococo
