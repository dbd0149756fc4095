// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <span>
#include <string>

#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/admin/host_facts.hpp"

namespace rococo::svchost {

/// Counts what a service sends through another sender.
///
/// **Thread-safety**: all members may be called from any thread.
class CountingSender final : public messaging::MessageSender {
public:
    /// `buckets` are upper bounds in seconds; see `Histogram`. All must outlive it.
    CountingSender(messaging::MessageSender& sender, const Clock& clock,
                   std::span<const double> buckets)
        : sender_(sender), clock_(clock), counts_{.duration = Histogram(buckets)} {}

    using MessageSender::send;
    [[nodiscard]] Result<void> send(std::string_view queue,
                                    std::span<const messaging::OutgoingMessage> messages) override {
        const SteadyTime begun = clock_.steady_now();
        auto sent = sender_.send(queue, messages);
        const SteadyTime ended = clock_.steady_now();
        const std::scoped_lock lock(mutex_);
        counts_.duration.observe(ended - begun);
        if (sent) {
            counts_.sent[destination(queue)] += messages.size();
        } else {
            ++counts_.failed;
        }
        return sent;
    }

    [[nodiscard]] SendCounts counts() const {
        const std::scoped_lock lock(mutex_);
        return counts_;
    }

private:
    // A service may make up queue names without end, as for replies.
    static constexpr std::size_t kMostDestinations = 50;

    [[nodiscard]] std::string destination(std::string_view queue) const {
        std::string name(queue);
        const bool fits = counts_.sent.size() < kMostDestinations || counts_.sent.contains(name);
        return fits ? name : "_OTHER";
    }

    messaging::MessageSender& sender_;
    const Clock& clock_;
    mutable std::mutex mutex_;  // guards the one below
    SendCounts counts_;
};

}  // namespace rococo::svchost
