// SPDX-License-Identifier: MIT
#include "group_guard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <new>
#include <utility>

namespace rococo::svchost::child {

namespace {

// More than there are workers.
constexpr std::size_t kPlaces = 4096;
// A place that is taken for a group which is about to be.
constexpr pid_t kTaken = -1;

}  // namespace

GroupGuard& GroupGuard::instance() {
    static auto& only = *new GroupGuard;  // never destroyed: its end is the process's
    return only;
}

GroupGuard::GroupGuard() {
    void* const memory = ::mmap(nullptr, kPlaces * sizeof(Place), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    std::array<int, 2> ends{};
    if (memory == MAP_FAILED || ::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    const FileDescriptor our_end(ends[0]);
    lifeline_ = FileDescriptor(ends[1]);
    auto* const places = static_cast<Place*>(memory);
    for (std::size_t i = 0; i < kPlaces; ++i) new (&places[i]) Place(0);
    places_ = {places, kPlaces};
    // Nothing may interrupt it, from its first moment.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const pid_t guard = ::fork();
    if (guard == 0) watch(our_end.get(), places_);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (guard < 0) places_ = {};
}

// In a process that was forked among threads: only calls that are safe in a signal handler.
void GroupGuard::watch(int our_end, std::span<Place> places) {
    ::setpgid(0, 0);  // signals to the host's group are not for it
    ::prctl(PR_SET_NAME, "svchost-guard");
    ::dup2(our_end, 0);
    ::close_range(1, ~0U, 0);
    char nothing = 0;
    while (::read(0, &nothing, 1) < 0 && errno == EINTR) continue;
    for (const Place& place : places)
        if (const pid_t group = place.load(); group > 0) ::kill(-group, SIGKILL);
    ::_exit(0);
}

GroupGuard::Place* GroupGuard::take_place() {
    for (Place& place : places_) {
        pid_t nobody = 0;
        if (place.compare_exchange_strong(nobody, kTaken)) return &place;
    }
    return nullptr;
}

}  // namespace rococo::svchost::child
