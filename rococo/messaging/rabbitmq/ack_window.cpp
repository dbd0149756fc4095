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

void AckWindow::delivered(std::uint64_t tag) {
    if (size_ == 0) first_tag_ = tag;
    // A gap cannot come from the broker; were there one, its tags must not be waited for.
    while (first_tag_ + size_ < tag) {
        if (size_ == ring_.size()) grow();
        at(size_++) = State::done;
    }
    if (size_ == ring_.size()) grow();
    at(size_++) = State::in_hand;
    ++in_hand_;
}

void AckWindow::acknowledge(std::uint64_t tag) {
    State* state = find(tag);
    if (state == nullptr || *state != State::in_hand) return;
    *state = State::wanted;
    --in_hand_;
    ++wanted_;
}

void AckWindow::settled_otherwise(std::uint64_t tag) {
    State* state = find(tag);
    if (state == nullptr || *state != State::in_hand) return;
    *state = State::done;
    --in_hand_;
}

void AckWindow::take(bool stragglers, std::vector<Ack>& out) {
    std::uint64_t last = 0;
    std::size_t taken = 0;
    while (size_ > 0 && at(0) != State::in_hand) {
        // The tag of a `multiple` must itself be outstanding, or the broker closes the channel.
        if (at(0) == State::wanted) {
            last = first_tag_;
            ++taken;
        }
        head_ = (head_ + 1) & (ring_.size() - 1);
        --size_;
        ++first_tag_;
    }
    if (taken > 0) out.push_back({last, taken > 1});
    wanted_ -= taken;
    if (!stragglers) return;
    for (std::size_t i = 0; i < size_ && wanted_ > 0; ++i) {
        if (at(i) != State::wanted) continue;
        out.push_back({first_tag_ + i, false});
        at(i) = State::done;
        --wanted_;
    }
}

void AckWindow::reset() {
    head_ = size_ = wanted_ = in_hand_ = 0;
    first_tag_ = 1;
}

}  // namespace rococo::messaging
