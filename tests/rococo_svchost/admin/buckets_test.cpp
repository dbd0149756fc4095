// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/buckets.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <span>
#include <string>

#include "rococo_svchost/observability/histogram.hpp"

namespace rococo::svchost {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Buckets, OfTheHostRiseAndFitIntoAHistogram) {
    for (const std::span<const double> bounds :
         {std::span<const double>(kProcessSeconds), std::span<const double>(kQueueSeconds),
          std::span<const double>(kOperationSeconds)}) {
        EXPECT_LE(bounds.size(), Histogram::kMostBounds);
        EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
        EXPECT_GT(bounds.front(), 0);
    }
}

TEST(Buckets, AreReadFromASetting) {
    EXPECT_THAT(parse_buckets("0.5").value(), ElementsAre(0.5));
    EXPECT_THAT(parse_buckets("0.01, 0.1,1 ,10").value(), ElementsAre(0.01, 0.1, 1, 10));
    std::string many = "1";
    for (std::size_t i = 2; i <= Histogram::kMostBounds; ++i) many += "," + std::to_string(i);
    EXPECT_EQ(parse_buckets(many).value().size(), Histogram::kMostBounds);
    const auto too_many = parse_buckets(many + ",99");
    ASSERT_FALSE(too_many);
    EXPECT_THAT(too_many.error().message, HasSubstr("32 bounds; at most 31"));
}

TEST(Buckets, SayWhatIsWrongWithASetting) {
    for (const char* wrong :
         {"", "1,", ",1", "0", "-1", "1,x", "1s", "nan", "inf", "1e3", "1;2", "99999999999999"}) {
        const auto bounds = parse_buckets(wrong);
        ASSERT_FALSE(bounds) << wrong;
        EXPECT_EQ(bounds.error().kind, ErrorKind::configuration);
        EXPECT_THAT(bounds.error().message, HasSubstr("is not a number of seconds")) << wrong;
    }
    for (const char* wrong : {"1,1", "2,1"})
        EXPECT_THAT(parse_buckets(wrong).error().message, HasSubstr("must rise")) << wrong;
}

}  // namespace
}  // namespace rococo::svchost
