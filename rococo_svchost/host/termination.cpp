// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/termination.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <ctime>

#include "rococo_svchost/observability/host_log.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::nanoseconds;

// A second signal within this time counts as the same one: GNU timeout signals both the process and
// its group, and a terminal or supervisor signals the group while a wrapper forwards to its child.
constexpr nanoseconds kSameSignal = std::chrono::seconds(1);
// How long to wait for the log when a second signal ends the process.
constexpr std::chrono::milliseconds kLogTime{200};

// Globals, because signal handlers take no user data.
std::atomic<std::int64_t> first_signal_at = 0;  // nanoseconds of the monotonic clock; 0: none yet
std::atomic<void (*)(void*)> handler = nullptr;
std::atomic<void*> handler_argument = nullptr;
static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
              std::atomic<void*>::is_always_lock_free);

// Unlike std::chrono's clocks, this is guaranteed to be async-signal-safe (POSIX.1-2008).
std::int64_t monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::chrono::nanoseconds(std::chrono::seconds(now.tv_sec)).count() + now.tv_nsec;
}

void call_handler() {
    if (auto* const function = handler.load()) function(handler_argument.load());
}

extern "C" void on_termination_signal(int signal) {
    const int saved_errno = errno;
    const std::int64_t now = monotonic_now();
    std::int64_t first = 0;
    const bool is_first = first_signal_at.compare_exchange_strong(first, now);
    // After the run there is nothing left to stop.
    const bool end = is_first ? handler.load() == nullptr : now - first >= kSameSignal.count();
    if (end) {
        HostLog::flush_any(kLogTime);
        ::_exit(128 + signal);
    }
    if (is_first) call_handler();
    errno = saved_errno;
}

// Closing a terminal sends SIGHUP to everything in it, possibly long after Ctrl-C. It asks for a
// drain and is never the second signal.
extern "C" void on_hangup(int /*signal*/) {
    const int saved_errno = errno;
    call_handler();
    errno = saved_errno;
}

extern "C" void end_process(int signal) { ::_exit(128 + signal); }

void handle(int signal, void (*with)(int)) {
    struct sigaction action {};
    action.sa_handler = with;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
}

bool is_ignored(int signal) {
    struct sigaction action {};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Termination::Termination(void (*on_signal)(void* argument), void* argument) {
    first_signal_at = 0;
    handler_argument = argument;
    handler = on_signal;
    handle(SIGTERM, &on_termination_signal);
    handle(SIGINT, &on_termination_signal);
    if (!is_ignored(SIGHUP)) handle(SIGHUP, &on_hangup);  // nohup
}

// The handlers stay installed, because a duplicate of the signal may arrive during exit.
Termination::~Termination() { handler = nullptr; }

void end_process_1_by_signals() {
    if (::getpid() != 1) return;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        if (!is_ignored(signal)) handle(signal, &end_process);
    }
}

}  // namespace rococo::svchost
