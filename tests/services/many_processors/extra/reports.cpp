// SPDX-License-Identifier: MIT
// A second module of the package.
#include <rococo/service.hpp>

namespace reports::daily {

class ReportServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& /*message*/) override {}
};

}  // namespace reports::daily

ROCOCO_PROCESSOR(reports::daily::ReportServiceProcessor)
