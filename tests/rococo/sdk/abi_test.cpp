// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <rococo/abi.h>

#include <array>
#include <cstddef>
#include <rococo/detail/registry.hpp>
#include <string>
#include <vector>

extern "C" {
extern const rococo_processor rococo_c_processor;
int rococo_c_instances(void);
}

namespace {

TEST(Abi, AProcessorWrittenInCWorksOverIt) {
    std::vector<int> outcomes;
    rococo_call call{};
    call.struct_size = sizeof call;
    call.self = &outcomes;
    call.settle = [](void* self, std::size_t index, int outcome, std::int64_t, rococo_string) {
        auto& all = *static_cast<std::vector<int>*>(self);
        all.resize(index + 1, ROCOCO_OK);
        all[index] = outcome;
    };
    std::array<rococo_message, 2> messages{};
    messages[0].body = {"ok", 2};
    messages[1].body = {"not ok", 6};

    void* instance = rococo_c_processor.create(nullptr, nullptr);
    EXPECT_EQ(rococo_c_instances(), 1);
    rococo_c_processor.process(instance, &call, messages.data(), messages.size());
    rococo_c_processor.destroy(instance);

    EXPECT_EQ(outcomes, (std::vector<int>{ROCOCO_OK, ROCOCO_PERMANENT}));
    EXPECT_EQ(rococo_c_instances(), 0);
}

TEST(Abi, TypesAreNamedWithoutNamespaces) {
    EXPECT_STREQ(rococo::detail::unqualified("Plain"), "Plain");
    EXPECT_STREQ(rococo::detail::unqualified("shop::orders::Mail"), "Mail");
    EXPECT_STREQ(rococo::detail::unqualified("::Global"), "Global");
}

}  // namespace
