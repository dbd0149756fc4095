// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rococo::messaging {

/// Turns acknowledgements, wanted in any order, into few `basic.ack` methods.
///
/// A channel numbers its deliveries 1, 2, 3, …. One `basic.ack` with `multiple` settles every
/// delivery up to its tag, so it may go only as far as everything before has been settled too.
///
/// **Thread-safety**: none. **Ownership**: one per channel; `reset` with each new channel.
class AckWindow {
public:
    /// One `basic.ack` to send.
    struct Ack {
        std::uint64_t tag;
        bool multiple;
        bool operator==(const Ack&) const = default;
    };

    /// Notes a delivery. The tags of a channel come in order and without gaps.
    void delivered(std::uint64_t tag);
    /// Notes that the delivery is to be acknowledged. A tag unknown here is ignored.
    void acknowledge(std::uint64_t tag);
    /// Notes that the delivery was settled by another method (`basic.nack`).
    void settled_otherwise(std::uint64_t tag);

    /// Appends what is to be sent now: one `multiple` for all that is settled without a gap, and,
    /// with `stragglers`, one for each acknowledgement behind a delivery still in hand.
    void take(bool stragglers, std::vector<Ack>& out);

    /// Acknowledgements wanted and not yet taken.
    [[nodiscard]] std::size_t wanted() const { return wanted_; }
    /// Deliveries in hand: neither acknowledged nor settled otherwise.
    [[nodiscard]] std::size_t in_hand() const { return in_hand_; }
    /// The oldest delivery that is still in hand or not yet acknowledged; 0 where there is none.
    [[nodiscard]] std::uint64_t oldest() const { return size_ == 0 ? 0 : first_tag_; }

    /// Forgets everything: tags mean nothing on another channel.
    void reset();

private:
    enum class State : std::uint8_t { in_hand, wanted, done };

    [[nodiscard]] State* find(std::uint64_t tag);
    [[nodiscard]] State& at(std::size_t offset) {
        return ring_[(head_ + offset) & (ring_.size() - 1)];
    }
    void grow();

    std::vector<State> ring_ = std::vector<State>(64);  // The size is a power of two.
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::uint64_t first_tag_ = 1;  // The tag at `head_`.
    std::size_t wanted_ = 0;
    std::size_t in_hand_ = 0;
};

}  // namespace rococo::messaging
