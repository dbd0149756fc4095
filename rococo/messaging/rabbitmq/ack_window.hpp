// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rococo/messaging/settlement.hpp"

namespace rococo::messaging {

/// Turns acknowledgements, wanted in any order, into few `basic.ack` methods.
///
/// A channel numbers its deliveries 1, 2, 3, …. One `basic.ack` with `multiple` settles every
/// delivery up to its tag, so it may go only as far as everything before has been settled too.
///
/// **Thread-safety**: none. **Ownership**: one per channel: tags mean nothing on another one.
class AckWindow {
public:
    /// One `basic.ack` to send.
    struct Ack {
        std::uint64_t tag;
        bool multiple;
        bool operator==(const Ack&) const = default;
    };
    /// A delivery whose verdict is on its way to the broker.
    struct Settled {
        std::uint64_t tag;
        Verdict verdict;
        bool operator==(const Settled&) const = default;
    };

    /// Notes a delivery. The tags of a channel come in order and without gaps; false, and nothing
    /// noted, where this one does not: the peer is no honest broker.
    [[nodiscard]] bool delivered(std::uint64_t tag);
    /// Notes that the delivery is to be acknowledged, since this verdict on it is carried out
    /// otherwise. A tag unknown here is ignored.
    void acknowledge(std::uint64_t tag, Verdict verdict);
    /// Notes that the delivery was settled by another method (`basic.nack`).
    void settled_otherwise(std::uint64_t tag);

    /// Appends what is to be sent now: one `multiple` for all that is settled without a gap, and,
    /// with `stragglers`, one for each acknowledgement behind a delivery still in hand; and to
    /// `settled` the deliveries that they settle.
    void take(bool stragglers, std::vector<Ack>& out, std::vector<Settled>& settled);

    /// Appends the tags of those that are in hand or whose acknowledgement is wanted.
    void list_open(std::vector<std::uint64_t>& tags) const;

    /// Acknowledgements wanted and not yet taken.
    [[nodiscard]] std::size_t wanted() const { return wanted_; }
    /// Deliveries in hand: neither acknowledged nor settled otherwise.
    [[nodiscard]] std::size_t in_hand() const { return in_hand_; }
    /// The oldest delivery that is still in hand or not yet acknowledged; 0 if there is none.
    [[nodiscard]] std::uint64_t oldest() const { return size_ == 0 ? 0 : first_tag_; }

private:
    enum class Stage : std::uint8_t { in_hand, wanted, done };
    struct State {
        Stage stage = Stage::in_hand;
        Verdict verdict = Verdict::ack;
    };

    [[nodiscard]] State* find(std::uint64_t tag);
    [[nodiscard]] State& at(std::size_t offset) {
        return ring_[(head_ + offset) & (ring_.size() - 1)];
    }
    [[nodiscard]] const State& at(std::size_t offset) const {
        return ring_[(head_ + offset) & (ring_.size() - 1)];
    }
    void grow();

    std::vector<State> ring_ = std::vector<State>(64);  // The size is a power of two.
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::uint64_t first_tag_ = 1;  // The tag at `head_`.
    std::uint64_t last_tag_ = 0;   // The latest delivery's.
    std::size_t wanted_ = 0;
    std::size_t in_hand_ = 0;
};

}  // namespace rococo::messaging
