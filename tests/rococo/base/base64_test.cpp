// SPDX-License-Identifier: MIT
#include "rococo/base/base64.hpp"

#include <gtest/gtest.h>

namespace rococo {
namespace {

TEST(Base64, GoesThereAndBackForEveryLength) {
    std::string data;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(base64_decode(base64_encode(data)), data);
        data += static_cast<char>(i * 37);
    }
    EXPECT_EQ(base64_encode("any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
    EXPECT_EQ(base64_decode("abc"), std::nullopt);
    EXPECT_EQ(base64_decode("ab!="), std::nullopt);
    EXPECT_EQ(base64_decode("a==="), std::nullopt);
    EXPECT_EQ(base64_decode("YQ==YQ=="), std::nullopt);
}

}  // namespace
}  // namespace rococo
