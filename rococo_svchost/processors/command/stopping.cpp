// SPDX-License-Identifier: MIT
#include "stopping.hpp"

#include <algorithm>

namespace rococo::svchost::command {

namespace {

// How much of PROCESS_TIMEOUT is for whoever listens to SIGTERM.
constexpr std::chrono::seconds kLongestNotice{5};
constexpr int kShare = 10;
// How often to look whether the call was cancelled.
constexpr std::chrono::milliseconds kLook{100};

}  // namespace

Stopping::Stopping(SteadyTime deadline, std::chrono::microseconds timeout,
                   std::chrono::seconds grace)
    : ask_at_(SteadyTime::max()), kill_at_(deadline), grace_(grace) {
    if (deadline == SteadyTime::max()) return;
    ask_at_ = deadline - std::min<std::chrono::microseconds>(timeout / kShare, kLongestNotice);
}

Stopping::Step Stopping::next(SteadyTime now, bool cancelled) {
    if (now >= kill_at_) {
        if (killed_) return Step::wait;
        killed_ = true;
        if (reason_ == Reason::none) reason_ = Reason::timeout;
        return Step::kill;
    }
    if (reason_ != Reason::none) return Step::wait;
    if (now >= ask_at_) return ask(Reason::timeout);
    if (!cancelled) return Step::wait;
    if (grace_ != std::chrono::seconds::max()) kill_at_ = std::min(kill_at_, now + grace_);
    return ask(Reason::cancelled);
}

Stopping::Step Stopping::ask(Reason reason) {
    reason_ = reason;
    return Step::ask;
}

SteadyTime Stopping::wake_at(SteadyTime now) const {
    const SteadyTime look = now + kLook;
    if (killed_) return look;
    return std::min({look, kill_at_, reason_ == Reason::none ? ask_at_ : look});
}

}  // namespace rococo::svchost::command
