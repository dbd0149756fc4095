// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "broker.hpp"

int main(int argc, char** argv) {
    testing::InitGoogleMock(&argc, argv);
    const int result = RUN_ALL_TESTS();
    rococo::messaging::tests::stop_broker();
    return result;
}
