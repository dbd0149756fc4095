// SPDX-License-Identifier: MIT
#include "rococo_svchost/admin/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <sstream>

#include "metric_families.hpp"

namespace rococo::svchost {

std::string metrics_text(const HostFacts& facts) {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, metric_families(facts));
    return std::move(text).str();
}

}  // namespace rococo::svchost
