// SPDX-License-Identifier: MIT
#include <rococo/service.hpp>

#include "../meter.h"

class BenchMeterProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    BenchMeterProcessor() { meter_start(); }
    void process(const rococo::messaging::Message& message) override {
        meter_note(message.body().data(), message.body().size());
    }
};
ROCOCO_PROCESSOR(BenchMeterProcessor)
