// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/wake_timer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::svchost {

namespace {

// The kernel reports a clock change only through an armed timer, so endless waits arm one too.
constexpr SystemTime kNever = std::chrono::sys_days{std::chrono::year(2200) / 1 / 1};

tl::unexpected<Error> system_failure(ErrorKind kind, std::string_view what, int error) {
    return failure(kind, fmt::format("{}: {}", what, std::strerror(error)));
}

}  // namespace

Result<WakeTimer> WakeTimer::create() {
    FileDescriptor timer(timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer.is_open())
        return system_failure(ErrorKind::unavailable, "no timer for the schedule", errno);
    auto event = std::make_unique<WakeEvent>(std::nothrow);
    if (!event->is_open())
        return system_failure(ErrorKind::unavailable, "no event for the schedule", errno);
    return WakeTimer(std::move(timer), std::move(event));
}

/// Sets the timer. Returns true if the kernel reports that the clock was changed since the last
/// call; the timer is set all the same (timerfd_create(2)).
Result<bool> WakeTimer::arm(std::optional<SystemTime> moment) const {
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    // Zero would disarm the timer. Any time in the past expires at once.
    const auto target = std::clamp(moment.value_or(kNever), SystemTime(seconds(1)), kNever);
    const auto whole = std::chrono::floor<seconds>(target);
    itimerspec setting{};
    setting.it_value.tv_sec = whole.time_since_epoch().count();
    setting.it_value.tv_nsec = nanoseconds(target - whole).count();
    if (timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting,
                        nullptr) == 0)
        return false;
    if (errno == ECANCELED) return true;
    return system_failure(ErrorKind::internal, "the schedule's timer cannot be set", errno);
}

Result<WakeTimer::Reason> WakeTimer::wait_until(std::optional<SystemTime> moment) {
    ROCOCO_ASSIGN_OR_RETURN(const bool clock_was_set, arm(moment));
    while (true) {
        std::array<pollfd, 2> waiting{{{event_->fd(), POLLIN, 0}, {timer_.get(), POLLIN, 0}}};
        const bool may_wait = event_->begin_wait() && !clock_was_set;
        const int ready = poll(waiting.data(), waiting.size(), may_wait ? -1 : 0);
        if (ready < 0 && errno != EINTR)
            return system_failure(ErrorKind::internal, "the schedule cannot wait", errno);
        event_->end_wait(ready > 0 && (waiting[0].revents & POLLIN) != 0);
        if (event_->take()) return Reason::woken;
        if (clock_was_set) return Reason::clock_changed;
        std::uint64_t count = 0;
        if (read(timer_.get(), &count, sizeof count) == sizeof count) {
            if (moment) return Reason::due;
            continue;
        }
        if (errno == ECANCELED) return Reason::clock_changed;
        if (errno != EAGAIN && errno != EINTR)
            return system_failure(ErrorKind::internal, "the schedule's timer cannot be read",
                                  errno);
    }
}

}  // namespace rococo::svchost
