// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "rococo/messaging/message_adapter.hpp"

namespace rococo::messaging {

/// How an adapter's connection fares: keeps what is known about it, and notes for `receive` each
/// change of the state that follows, once and in order. What comes first in this list counts: the
/// connection is not there (`connecting`, `lost`), `paused`, `blocked`, `consuming`.
///
/// **Thread-safety**: none.
class ConnectionStates {
public:
    /// A new connection is tried.
    void connecting(SteadyTime now) { set_up({ConnectionState::connecting, {}, now}); }
    void connected(SteadyTime now) { set_up({ConnectionState::consuming, {}, now}); }
    void lost(SteadyTime now, std::string reason) {
        set_up({ConnectionState::lost, std::move(reason), now});
    }
    /// Something that should work does not for now; no reason: it does again.
    void blocked(SteadyTime now, std::string reason) {
        blocked_ = std::move(reason);
        note(now);
    }
    void paused(SteadyTime now, bool paused) {
        paused_ = paused;
        note(now);
    }
    [[nodiscard]] bool is_paused() const { return paused_; }

    /// Appends the changes since the last call.
    void tell(Events& out) {
        for (auto& change : std::exchange(changes_, {})) out.states.push_back(std::move(change));
    }

private:
    void set_up(Events::State connection) {
        const SteadyTime now = connection.since;
        connection_ = std::move(connection);
        note(now);
    }

    void note(SteadyTime now) {
        Events::State state = connection_;
        if (state.state == ConnectionState::consuming && paused_) {
            state = {ConnectionState::paused, "as asked for", now};
        } else if (state.state == ConnectionState::consuming && !blocked_.empty()) {
            state = {ConnectionState::blocked, blocked_, now};
        }
        if (state.state == told_) return;
        told_ = state.state;
        state.since = now;
        changes_.push_back(std::move(state));
    }

    Events::State connection_;
    std::string blocked_;
    bool paused_ = false;
    ConnectionState told_ = ConnectionState::connecting;  // as every adapter begins
    std::vector<Events::State> changes_;
};

}  // namespace rococo::messaging
