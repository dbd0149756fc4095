// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::tests {

/// One call of `process`, as a processor saw it.
struct SeenCall {
    std::vector<std::string> ids;
    std::uint32_t attempt = 1;
    SteadyTime deadline;
};

/// Makes processors that do what the test says, and writes down each call.
///
/// Processors can be held back: they wait at a gate until the test opens it, or until they are
/// cancelled where the test wants that.
///
/// **Thread-safety**: all members may be called from any thread.
class ScriptedProcessors final : public svchost::ProcessorFactory {
public:
    using Script = std::function<svchost::Outcome(const messaging::Delivery&)>;

    explicit ScriptedProcessors(Script script =
                                    [](const messaging::Delivery&) { return svchost::Outcome{}; })
        : script_(std::move(script)) {}

    /// `create` fails from its nth call on, counted from 1.
    void fail_create_from(std::size_t nth) { fail_create_from_ = nth; }
    /// All calls wait until `open_gate`.
    void close_gate() {
        const std::scoped_lock lock(mutex_);
        gate_open_ = false;
    }
    void open_gate() {
        const std::scoped_lock lock(mutex_);
        gate_open_ = true;
        held_.clear();
        changed_.notify_all();
    }
    /// Calls with this message wait until `let_go`.
    void hold(const std::string& id) {
        const std::scoped_lock lock(mutex_);
        held_.insert(id);
    }
    void let_go(const std::string& id) {
        const std::scoped_lock lock(mutex_);
        held_.erase(id);
        changed_.notify_all();
    }
    /// Calls that wait at the gate end, with a failure, when they are asked to.
    void listen_to_cancellation() { listens_ = true; }

    /// Waits until so many calls have begun.
    void wait_for_calls(std::size_t count) const {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return calls_.size() >= count; });
    }
    [[nodiscard]] std::size_t begun() const {
        const std::scoped_lock lock(mutex_);
        return calls_.size();
    }
    [[nodiscard]] std::vector<SeenCall> calls() const {
        const std::scoped_lock lock(mutex_);
        return calls_;
    }
    /// The most calls that ran at the same time.
    [[nodiscard]] std::size_t most_at_once() const {
        const std::scoped_lock lock(mutex_);
        return most_at_once_;
    }

    Result<std::unique_ptr<svchost::Processor>> create() override {
        if (++created_ >= fail_create_from_) {
            return failure(ErrorKind::service, "the constructor failed");
        }
        return std::make_unique<One>(*this);
    }

private:
    class One final : public svchost::Processor {
    public:
        explicit One(ScriptedProcessors& all) : all_(all) {}
        void process(const svchost::Call& call,
                     std::span<const messaging::Delivery* const> deliveries,
                     std::span<svchost::Outcome> outcomes) override {
            const bool cancelled = all_.begin(call, deliveries);
            for (std::size_t i = 0; i < deliveries.size(); ++i) {
                outcomes[i] =
                    cancelled ? svchost::Outcome{svchost::Outcome::Kind::failed, {}, "cancelled"}
                              : all_.script_(*deliveries[i]);
            }
            all_.end();
        }

    private:
        ScriptedProcessors& all_;
    };

    /// Waits at the gate. Whether it was cancelled there.
    bool begin(const svchost::Call& call, std::span<const messaging::Delivery* const> deliveries) {
        SeenCall seen{{}, call.attempts.front(), call.deadline};
        for (const auto* delivery : deliveries) seen.ids.emplace_back(delivery->id);
        std::unique_lock lock(mutex_);
        calls_.push_back(seen);
        most_at_once_ = std::max(most_at_once_, ++running_);
        changed_.notify_all();
        while (!gate_open_ || is_held(seen)) {
            if (listens_ && *call.cancelled) return true;
            changed_.wait_for(lock, std::chrono::milliseconds(1));
        }
        return false;
    }
    [[nodiscard]] bool is_held(const SeenCall& call) const {
        return std::any_of(call.ids.begin(), call.ids.end(),
                           [this](const std::string& id) { return held_.contains(id); });
    }
    void end() {
        const std::scoped_lock lock(mutex_);
        --running_;
    }

    Script script_;
    std::size_t fail_create_from_ = SIZE_MAX;
    std::size_t created_ = 0;
    std::atomic<bool> listens_ = false;

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    bool gate_open_ = true;
    std::set<std::string> held_;
    std::vector<SeenCall> calls_;
    std::size_t running_ = 0;
    std::size_t most_at_once_ = 0;
};

}  // namespace rococo::tests
