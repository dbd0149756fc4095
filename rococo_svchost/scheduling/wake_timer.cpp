// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/wake_timer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rococo::svchost {

namespace {

// An armed timer is what reports a clock that is set, so waiting without an end has one too.
constexpr SystemTime kNever = std::chrono::sys_days{std::chrono::year(2200) / 1 / 1};

tl::unexpected<Error> system_failure(ErrorKind kind, std::string_view what, int error) {
    return failure(kind, fmt::format("{}: {}", what, std::strerror(error)));
}

void close_if_open(int& descriptor) {
    if (descriptor >= 0) close(std::exchange(descriptor, -1));
}

}  // namespace

Result<WakeTimer> WakeTimer::create() {
    const int timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timer < 0)
        return system_failure(ErrorKind::unavailable, "no timer for the schedule", errno);
    const int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) {
        const int error = errno;
        close(timer);
        return system_failure(ErrorKind::unavailable, "no event for the schedule", error);
    }
    return WakeTimer(timer, event);
}

WakeTimer::WakeTimer(WakeTimer&& other) noexcept
    : timer_(std::exchange(other.timer_, -1)), event_(std::exchange(other.event_, -1)) {}

WakeTimer& WakeTimer::operator=(WakeTimer&& other) noexcept {
    std::swap(timer_, other.timer_);
    std::swap(event_, other.event_);
    return *this;
}

WakeTimer::~WakeTimer() {
    close_if_open(timer_);
    close_if_open(event_);
}

/// Sets the timer. True where the kernel says on the way that the clock was set since the last
/// time: it then sets the timer nevertheless (timerfd_create(2)).
Result<bool> WakeTimer::arm(std::optional<SystemTime> moment) const {
    using std::chrono::nanoseconds;
    using std::chrono::seconds;
    // Zero would disarm the timer; any moment in the past is due at once.
    const auto target = std::clamp(moment.value_or(kNever), SystemTime(seconds(1)), kNever);
    const auto whole = std::chrono::floor<seconds>(target);
    itimerspec setting{};
    setting.it_value.tv_sec = whole.time_since_epoch().count();
    setting.it_value.tv_nsec = nanoseconds(target - whole).count();
    if (timerfd_settime(timer_, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &setting, nullptr) ==
        0)
        return false;
    if (errno == ECANCELED) return true;
    return system_failure(ErrorKind::internal, "the schedule's timer cannot be set", errno);
}

Result<WakeTimer::Reason> WakeTimer::wait_until(std::optional<SystemTime> moment) {
    const auto clock_was_set = arm(moment);
    if (!clock_was_set) return tl::unexpected(clock_was_set.error());
    while (true) {
        std::array<pollfd, 2> waiting{{{event_, POLLIN, 0}, {timer_, POLLIN, 0}}};
        const int timeout = *clock_was_set ? 0 : -1;
        if (poll(waiting.data(), waiting.size(), timeout) < 0 && errno != EINTR)
            return system_failure(ErrorKind::internal, "the schedule cannot wait", errno);
        std::uint64_t count = 0;
        if (read(event_, &count, sizeof count) == sizeof count) return Reason::woken;
        if (*clock_was_set) return Reason::clock_changed;
        if (read(timer_, &count, sizeof count) == sizeof count) {
            if (moment) return Reason::due;
            continue;
        }
        if (errno == ECANCELED) return Reason::clock_changed;
        if (errno != EAGAIN && errno != EINTR)
            return system_failure(ErrorKind::internal, "the schedule's timer cannot be read",
                                  errno);
    }
}

void WakeTimer::wake() const noexcept {
    const int saved_error = errno;  // A signal handler must leave it as it was.
    const std::uint64_t one = 1;
    // Fails only where the counter is full: then it wakes anyway.
    [[maybe_unused]] const auto written = write(event_, &one, sizeof one);
    errno = saved_error;
}

}  // namespace rococo::svchost
