// SPDX-License-Identifier: MIT
#include "rococo/base/wake_event.hpp"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

namespace rococo {

WakeEvent::WakeEvent() : WakeEvent(std::nothrow) {
    if (!is_open()) throw std::system_error(errno, std::generic_category(), "eventfd");
}

WakeEvent::WakeEvent(std::nothrow_t /*tag*/) noexcept
    : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

// The two flags are each other's witness: the waiter sets `waiting_` and then looks at `notified_`,
// the notifier sets `notified_` and then looks at `waiting_`. In sequentially consistent order at
// least one of them sees the other, so no wake-up is lost.
void WakeEvent::notify() noexcept {
    notified_.store(true);
    if (!waiting_.load()) return;
    const int saved = errno;  // A signal handler must leave it as it was.
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
    errno = saved;
}

bool WakeEvent::begin_wait() noexcept {
    waiting_.store(true);
    return !notified_.load();
}

void WakeEvent::end_wait(bool readable) noexcept {
    waiting_.store(false);
    if (!readable) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(fd_.get(), &count, sizeof count);
}

bool WakeEvent::take() noexcept { return notified_.exchange(false); }

}  // namespace rococo
