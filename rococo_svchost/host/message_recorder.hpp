// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/admin/host_facts.hpp"
#include "rococo_svchost/runtime/run_observer.hpp"

namespace rococo::svchost {

/// Keeps what the dispatcher tells of a host's messages, for those who ask at any time.
///
/// **Thread-safety**: all members may be called from any thread. The dispatcher takes the lock once
/// for a batch.
class MessageRecorder final : public RunObserver {
public:
    /// Upper bounds in seconds; see `Histogram`. They must outlive it.
    struct Buckets {
        std::span<const double> process;
        std::span<const double> queue;  ///< For the time since a message was sent.
    };

    MessageRecorder(const Clock& clock, const Buckets& buckets);

    void on_accepted(std::size_t messages) override;
    void on_ended(std::span<const EndedCall> calls) override;
    void on_failed(const FailedCall& call) override;
    void on_settled(std::span<const SafeVerdict> verdicts) override;
    void on_lost(std::size_t messages) override;
    void on_overdue(std::size_t calls) override;
    void on_connection(const messaging::Events::State& state) override;
    void on_drain() override;
    void on_turn(const InHand& in_hand) override;

    /// A processor's process has crashed.
    void on_crash();

    /// What is known of the messages, as parts of `HostFacts`.
    struct Seen {
        MessageCounts messages;
        std::optional<ConnectionFacts> connection;
        InHand in_hand;
        bool draining = false;
        SteadyTime last_turn{};  ///< Of the dispatcher; the epoch: none yet.
    };
    [[nodiscard]] Seen seen() const;
    [[nodiscard]] bool is_draining() const;
    /// When messages came last; the epoch: never.
    [[nodiscard]] SteadyTime last_delivery() const;

    /// The last fifty, newest first.
    [[nodiscard]] std::vector<Failure> failures() const;

private:
    static constexpr std::size_t kCallEnds = 5;
    static constexpr std::size_t kVerdicts = 4;
    static constexpr std::size_t kCauses = 7;

    const Clock& clock_;

    mutable std::mutex mutex_;  // guards all below
    std::uint64_t accepted_ = 0;
    std::uint64_t lost_ = 0;
    std::uint64_t overdue_ = 0;
    std::uint64_t crashes_ = 0;
    std::chrono::nanoseconds busy_{};
    std::array<std::array<std::uint64_t, kCauses>, kVerdicts> settled_{};
    std::array<Histogram, kCallEnds> process_duration_;
    Histogram queue_time_;
    Histogram end_to_end_;
    std::deque<Failure> failures_;
    std::optional<ConnectionFacts> connection_;
    bool was_lost_ = false;  // the connection, and it has not been there again
    InHand in_hand_;
    bool draining_ = false;
    SteadyTime last_turn_{};
    SteadyTime last_delivery_{};
};

}  // namespace rococo::svchost
