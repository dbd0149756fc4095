// SPDX-License-Identifier: MIT
#pragma once

#include "consumer_link.hpp"
#include "rococo/base/clock.hpp"

namespace rococo::messaging {

/// When acknowledgements are sent, and when the broker is asked whether they have arrived: few
/// frames for many deliveries, and no verdict that waits for long.
///
/// **Thread-safety**: none.
class AckTiming {
public:
    void begin_connection() { wanted_since_ = stragglers_since_ = receipt_due_ = {}; }

    /// Sends what is due. `about_to_wait`: nothing else will come that could go with it.
    /// `stopping`: no more deliveries come.
    [[nodiscard]] AmqpResult<void> flush(ConsumerLink& link, SteadyTime now, bool about_to_wait,
                                         bool stopping);
    /// When `flush` has more to do.
    [[nodiscard]] SteadyTime due(const ConsumerLink& link) const;
    /// Sends all there is, before the connection is closed, and gives the queue the time that it
    /// needs for it.
    [[nodiscard]] AmqpResult<void> flush_at_close(ConsumerLink& link, const Clock& clock);

private:
    [[nodiscard]] AmqpResult<void> send(ConsumerLink& link, SteadyTime now, bool about_to_wait,
                                        bool stopping);

    SteadyTime sent_at_{};
    SteadyTime wanted_since_{};  // Unless all that are wanted were sent, or tried.
    SteadyTime stragglers_since_{};
    SteadyTime receipt_due_{};
};

}  // namespace rococo::messaging
