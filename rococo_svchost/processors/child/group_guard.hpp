// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <atomic>
#include <span>

#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost::child {

/// Sees to it that nothing which a process of ours has started outlives this one, should this one
/// be killed: the system then ends our processes (PR_SET_PDEATHSIG), but not theirs.
///
/// A small process beside us, made when it is first needed, knows the process groups that there
/// are. It waits for our end, ends them, and ends. Without it, all else works.
///
/// **Thread-safety**: all members may be called from any thread.
class GroupGuard {
public:
    /// Where a process group's number is written, in memory that both share; zero: none.
    using Place = std::atomic<pid_t>;

    static GroupGuard& instance();

    /// A place for a group that is about to be; null if there is none to be had.
    [[nodiscard]] Place* take_place();
    /// The group is no more.
    static void give_back(Place* place) {
        if (place != nullptr) place->store(0);
    }

private:
    GroupGuard();
    [[noreturn]] static void watch(int our_end, std::span<Place> places);

    std::span<Place> places_;
    FileDescriptor lifeline_;  // closed by our end, however that comes
};

}  // namespace rococo::svchost::child
