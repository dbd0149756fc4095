// SPDX-License-Identifier: MIT
// A service whose author forgot ROCOCO_PROCESSOR.
#include <rococo/service.hpp>

class ForgottenServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& /*message*/) override {}
};
