// SPDX-License-Identifier: MIT
#include "rococo/base/try.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

namespace rococo {
namespace {

Result<void> refuse_odd(int number) {
    if (number % 2 != 0) return failure(ErrorKind::usage, std::to_string(number) + " is odd");
    return {};
}

Result<std::unique_ptr<int>> half(int number) {
    ROCOCO_TRY(refuse_odd(number));
    return std::make_unique<int>(number / 2);
}

Result<std::string> describe(int first, int second) {
    ROCOCO_ASSIGN_OR_RETURN(const auto one, half(first));
    ROCOCO_ASSIGN_OR_RETURN(const auto& other, half(second));
    return std::to_string(*one) + " and " + std::to_string(*other);
}

TEST(Try, GoesOnAfterSuccess) { EXPECT_EQ(*half(4).value(), 2); }

TEST(Try, ReturnsTheErrorAsItWas) {
    const auto result = half(3);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::usage);
    EXPECT_EQ(result.error().message, "3 is odd");
}

TEST(Try, IsOneStatement) {
    const auto check = [](bool wanted) -> Result<bool> {
        if (wanted)
            ROCOCO_TRY(refuse_odd(1));
        else
            return false;
        return true;
    };
    EXPECT_FALSE(check(true));
    EXPECT_FALSE(check(false).value());
}

TEST(Try, EvaluatesOnce) {
    int calls = 0;
    const auto count = [&]() -> Result<int> { return ++calls; };
    const auto twice = [&]() -> Result<int> {
        ROCOCO_TRY(count());
        ROCOCO_ASSIGN_OR_RETURN(const int number, count());
        return number;
    };
    EXPECT_EQ(twice().value(), 2);
}

TEST(AssignOrReturn, MovesTheValue) { EXPECT_EQ(describe(4, 6).value(), "2 and 3"); }

TEST(AssignOrReturn, ReturnsTheFirstError) {
    EXPECT_EQ(describe(1, 3).error().message, "1 is odd");
    EXPECT_EQ(describe(2, 3).error().message, "3 is odd");
}

TEST(AssignOrReturn, AssignsToWhatIsThereAlready) {
    const auto sum = [](int number) -> Result<int> {
        std::unique_ptr<int> part;
        ROCOCO_ASSIGN_OR_RETURN(part, half(number));
        return *part;
    };
    EXPECT_EQ(sum(8).value(), 4);
    EXPECT_FALSE(sum(7));
}

TEST(AssignOrReturn, TakesExpressionsWithCommas) {
    const auto size = []() -> Result<std::size_t> {
        ROCOCO_ASSIGN_OR_RETURN(const auto map, Result<std::map<int, int>>({{1, 2}, {3, 4}}));
        return map.size();
    };
    EXPECT_EQ(size().value(), 2);
}

TEST(AssignOrReturn, PassesOnOtherKindsOfErrors) {
    const auto outer = []() -> tl::expected<int, int> {
        ROCOCO_ASSIGN_OR_RETURN(const int value, tl::expected<int, int>(tl::unexpected(7)));
        return value;
    };
    EXPECT_EQ(outer().error(), 7);
}

}  // namespace
}  // namespace rococo
