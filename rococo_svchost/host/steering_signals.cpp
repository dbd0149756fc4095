// SPDX-License-Identifier: MIT
#include "steering_signals.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>

namespace rococo::svchost {

namespace {

// Globals, because signal handlers take no user data.
std::atomic<int> last_wish = 0;  // SIGUSR1, SIGUSR2, or 0
std::atomic<bool> list_asked = false;
std::atomic<void (*)(void*)> wake_function = nullptr;
std::atomic<void*> wake_argument = nullptr;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void on_steering_signal(int signal) {
    const int saved_errno = errno;
    if (signal == SIGQUIT) {
        list_asked = true;
    } else {
        last_wish = signal;
    }
    if (auto* const wake = wake_function.load()) wake(wake_argument.load());
    errno = saved_errno;
}

}  // namespace

SteeringSignals::SteeringSignals(void (*wake)(void* argument), void* argument) {
    wake_argument = argument;
    wake_function = wake;
    for (const int signal : {SIGUSR1, SIGUSR2, SIGQUIT}) {
        struct sigaction action {};
        action.sa_handler = &on_steering_signal;
        action.sa_flags = SA_RESTART;
        ::sigemptyset(&action.sa_mask);
        ::sigaction(signal, &action, nullptr);
    }
}

// The handlers stay: such a signal shall not kill a host that is about to end.
SteeringSignals::~SteeringSignals() { wake_function = nullptr; }

SteeringSignals::Asked SteeringSignals::take() {
    // Nearly always so, and asked at each turn: to look costs less than to take.
    if (last_wish == 0 && !list_asked) return {};
    const int wish = last_wish.exchange(0);
    return {
        .pause = wish == SIGUSR1, .resume = wish == SIGUSR2, .list = list_asked.exchange(false)};
}

}  // namespace rococo::svchost
