// SPDX-License-Identifier: MIT
// Handles batches: logs each batch's size, and settles the messages as their bodies say.
#include <rococo/service.hpp>

class BatchServiceProcessor : public rococo::messaging::BaseBatchProcessor {
public:
    void process(rococo::messaging::Batch& batch) override {
        rococo::logger().info("batch of {}", batch.size());
        for (auto item : batch) {
            if (item.message().body() == "fail") item.fail("asked to fail");
            if (item.message().body() == "bury") item.dead_letter("asked to be buried");
        }
    }
};
ROCOCO_PROCESSOR(BatchServiceProcessor)
