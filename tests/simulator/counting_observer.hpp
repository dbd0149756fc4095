// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "books.hpp"
#include "rococo_svchost/runtime/run_observer.hpp"

namespace rococo::simulator {

/// Counts what a host tells about its messages, as its metrics do.
class CountingObserver final : public svchost::RunObserver {
public:
    CountingObserver(std::string host, Books& books) : host_(std::move(host)), books_(books) {}

    void on_accepted(std::size_t /*messages*/) override {}
    void on_ended(std::span<const svchost::EndedCall> calls) override {
        for (const svchost::EndedCall& call : calls) {
            if (call.ended_at < call.begun_at)
                books_.finding(host_ + ": a call ended before it began");
            if (call.end != svchost::CallEnd::ok) ++failures_;
        }
    }
    void on_failed(const svchost::FailedCall& /*call*/) override { ++told_failures_; }
    void on_settled(std::span<const svchost::SafeVerdict> verdicts) override {
        for (const svchost::SafeVerdict& safe : verdicts) {
            ++settled_[static_cast<std::size_t>(safe.verdict)];
            const bool failed = safe.verdict == messaging::Verdict::retry ||
                                safe.verdict == messaging::Verdict::dead_letter;
            if (failed && safe.cause == svchost::Cause::ok)
                books_.finding(host_ + " has no cause for the verdict on a failure");
        }
    }
    void on_lost(std::size_t messages) override { lost_ += messages; }
    void on_overdue(std::size_t /*calls*/) override {}
    void on_connection(const messaging::Events::State& /*state*/) override {}
    void on_drain() override {}
    void on_turn(const svchost::InHand& /*in_hand*/) override {
        if (failures_ != told_failures_)
            books_.finding(host_ + " does not tell of each failure once");
    }

    [[nodiscard]] std::size_t settled(messaging::Verdict verdict) const {
        return settled_[static_cast<std::size_t>(verdict)];
    }
    [[nodiscard]] std::size_t lost() const { return lost_; }

private:
    const std::string host_;
    Books& books_;
    std::array<std::size_t, 4> settled_{};
    std::size_t lost_ = 0;
    std::size_t failures_ = 0;
    std::size_t told_failures_ = 0;
};

}  // namespace rococo::simulator
