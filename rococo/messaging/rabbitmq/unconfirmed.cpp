// SPDX-License-Identifier: MIT
#include "unconfirmed.hpp"

#include <algorithm>

namespace rococo::messaging {

std::vector<Unconfirmed::Entry> Unconfirmed::take(std::uint64_t number, bool multiple) {
    std::vector<Entry> taken;
    if (number < first_ || number - first_ >= entries_.size()) return taken;
    const std::size_t last = number - first_;
    for (std::size_t at = multiple ? 0 : last; at <= last; ++at)
        if (entries_[at].publication) taken.push_back(std::move(entries_[at]));
    while (!entries_.empty() && !entries_.front().publication) {
        entries_.pop_front();
        ++first_;
    }
    return taken;
}

std::vector<Unconfirmed::Entry> Unconfirmed::take_all() {
    std::vector<Entry> taken;
    for (auto& entry : entries_)
        if (entry.publication) taken.push_back(std::move(entry));
    entries_.clear();
    first_ = 1;
    returning_.reset();
    return taken;
}

void Unconfirmed::return_header(const amqp_basic_properties_t& properties,
                                std::uint64_t body_bytes) {
    if (!returning_) return;
    for (auto& entry : entries_) {
        if (entry.publication && entry.publication->queue.name == returning_->queue &&
            entry.publication->message->id() == MessageCopy::id_of(properties))
            entry.returned = true;
    }
    returning_->body_left = body_bytes;
    return_body(0);
}

void Unconfirmed::return_body(std::size_t bytes) {
    if (!returning_) return;
    returning_->body_left -= std::min<std::uint64_t>(returning_->body_left, bytes);
    if (returning_->body_left == 0) returning_.reset();
}

}  // namespace rococo::messaging
