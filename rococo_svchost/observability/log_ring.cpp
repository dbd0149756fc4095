// SPDX-License-Identifier: MIT
#include "rococo_svchost/observability/log_ring.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "rococo/base/utf8.hpp"

namespace rococo::svchost {

void LogRing::add(LogLine line) {
    line.text.resize(beginning(line.text, kMostBytes).size());
    const std::scoped_lock lock(mutex_);
    line.number = ++last_;
    bytes_ += line.text.size();
    lines_.push_back(std::move(line));
    while (lines_.size() > kMostLines || bytes_ > kMostBytesInAll) {
        bytes_ -= lines_.front().text.size();
        lines_.pop_front();
    }
}

std::vector<LogLine> LogRing::after(std::uint64_t number) const {
    const std::scoped_lock lock(mutex_);
    if (lines_.empty() || number >= last_) return {};
    const std::uint64_t first = lines_.front().number;
    const std::uint64_t skipped = number < first ? 0 : number - first + 1;
    return {std::next(lines_.begin(), static_cast<std::ptrdiff_t>(skipped)), lines_.end()};
}

}  // namespace rococo::svchost
