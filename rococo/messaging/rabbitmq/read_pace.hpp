// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// When the socket is to be read again.
///
/// Most of what a message costs at full speed is waking up for it: whoever reads as soon as there
/// is something finds two or three messages. So where they come fast, a read waits for those that
/// come within the next 300 µs. Where they do not, each is read at once, as ever.
///
/// **Thread-safety**: none.
class ReadPace {
public:
    void begin_connection() { *this = {}; }

    /// A read brought so many deliveries.
    void note_read(SteadyTime now, std::size_t deliveries);

    /// Before this moment nothing need be read; a time in the past where it should be at once. A
    /// small prefetch is used up soon: what the broker may send is there already.
    [[nodiscard]] SteadyTime next_read(std::size_t prefetch) const;

private:
    SteadyTime last_read_{};
    SteadyTime counted_since_{};
    std::size_t counted_ = 0;
    bool is_fast_ = false;
};

}  // namespace rococo::messaging
