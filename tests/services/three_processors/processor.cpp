// SPDX-License-Identifier: MIT
// Three processors to choose from, and none of them the obvious one.
#include <rococo/service.hpp>

namespace {

class Base : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        rococo::logger().info("{}", message.body());
    }
};

class RedServiceProcessor : public Base {};
class GreenServiceProcessor : public Base {};
class BlueServiceProcessor : public Base {};

}  // namespace

ROCOCO_PROCESSOR(RedServiceProcessor)
ROCOCO_PROCESSOR(GreenServiceProcessor)
ROCOCO_PROCESSOR(BlueServiceProcessor)
