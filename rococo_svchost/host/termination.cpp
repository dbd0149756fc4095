// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/termination.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace rococo::svchost {

namespace {

// Signal handlers have no argument of their own.
std::atomic<int> signals_received = 0;
std::atomic<void (*)(void*)> handler = nullptr;
std::atomic<void*> handler_argument = nullptr;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<void*>::is_always_lock_free);

extern "C" void on_termination_signal(int signal) {
    const int saved_errno = errno;
    if (signals_received.fetch_add(1) > 0) ::_exit(128 + signal);
    if (auto* const function = handler.load()) function(handler_argument.load());
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

}  // namespace

Termination::Termination(void (*on_signal)(void* argument), void* argument) {
    signals_received = 0;
    handler_argument = argument;
    handler = on_signal;
    handle(SIGTERM, &on_termination_signal);
    handle(SIGINT, &on_termination_signal);
}

Termination::~Termination() {
    handle(SIGTERM, SIG_DFL);
    handle(SIGINT, SIG_DFL);
    end_process_1_by_signals();
    handler = nullptr;
}

void end_process_1_by_signals() {
    if (::getpid() != 1) return;
    handle(SIGTERM, &end_process);
    handle(SIGINT, &end_process);
}

}  // namespace rococo::svchost
