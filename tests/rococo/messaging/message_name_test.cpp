// SPDX-License-Identifier: MIT
#include "rococo/messaging/message_name.hpp"

#include <gtest/gtest.h>

#include "support/fake_delivery.hpp"

namespace rococo::messaging {
namespace {

TEST(MessageName, IsTheIdWhereThereIsOne) {
    EXPECT_EQ(message_name("order-7", "body"), "order-7");
    EXPECT_EQ(message_name(tests::FakeDelivery({.id = "order-7"})), "order-7");
}

TEST(MessageName, IsADigestOfTheBodyOtherwiseTheSameEverywhere) {
    // Vectors of FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/).
    EXPECT_EQ(message_name("", ""), "body-cbf29ce484222325");
    EXPECT_EQ(message_name("", "a"), "body-af63dc4c8601ec8c");
    EXPECT_EQ(message_name("", "foobar"), "body-85944171f73967e8");
    EXPECT_EQ(message_name(tests::FakeDelivery({.body = "foobar"})), "body-85944171f73967e8");
}

}  // namespace
}  // namespace rococo::messaging
