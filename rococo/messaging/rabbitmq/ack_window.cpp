// SPDX-License-Identifier: MIT
#include "ack_window.hpp"

namespace rococo::messaging {

void AckWindow::grow() {
    std::vector<State> larger(ring_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = at(i);
    ring_ = std::move(larger);
    head_ = 0;
}

AckWindow::State* AckWindow::find(std::uint64_t tag) {
    if (tag < first_tag_ || tag - first_tag_ >= size_) return nullptr;
    return &at(tag - first_tag_);
}

bool AckWindow::delivered(std::uint64_t tag) {
    if (tag != last_tag_ + 1) return false;
    last_tag_ = tag;
    if (size_ == 0) first_tag_ = tag;
    if (size_ == ring_.size()) grow();
    at(size_++) = {Stage::in_hand, Verdict::ack};
    ++in_hand_;
    return true;
}

void AckWindow::acknowledge(std::uint64_t tag, Verdict verdict) {
    State* state = find(tag);
    if (state == nullptr || state->stage != Stage::in_hand) return;
    *state = {Stage::wanted, verdict};
    --in_hand_;
    ++wanted_;
}

void AckWindow::settled_otherwise(std::uint64_t tag) {
    State* state = find(tag);
    if (state == nullptr || state->stage != Stage::in_hand) return;
    state->stage = Stage::done;
    --in_hand_;
}

void AckWindow::take(bool stragglers, std::vector<Ack>& out, std::vector<Settled>& settled) {
    std::uint64_t last = 0;
    std::size_t taken = 0;
    while (size_ > 0 && at(0).stage != Stage::in_hand) {
        // The tag of a `multiple` must itself be outstanding, or the broker closes the channel.
        if (at(0).stage == Stage::wanted) {
            last = first_tag_;
            ++taken;
            settled.push_back({first_tag_, at(0).verdict});
        }
        head_ = (head_ + 1) & (ring_.size() - 1);
        --size_;
        ++first_tag_;
    }
    if (taken > 0) out.push_back({last, taken > 1});
    wanted_ -= taken;
    if (!stragglers) return;
    for (std::size_t i = 0; i < size_ && wanted_ > 0; ++i) {
        if (at(i).stage != Stage::wanted) continue;
        out.push_back({first_tag_ + i, false});
        settled.push_back({first_tag_ + i, at(i).verdict});
        at(i).stage = Stage::done;
        --wanted_;
    }
}

void AckWindow::list_open(std::vector<std::uint64_t>& tags) const {
    for (std::size_t i = 0; i < size_; ++i)
        if (at(i).stage != Stage::done) tags.push_back(first_tag_ + i);
}

}  // namespace rococo::messaging
