// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

namespace rococo::svchost {

/// Not zero: a call is to end early. As wide as it is so that it may lie in a page that two
/// processes share.
using CancelWord = std::atomic<std::uint64_t>;

/// The first words of the page that a worker shares with its processor's process, if it has one
/// (docs/adr/0010): they say which of the messages that the worker noted as in hand are begun. As a
/// file, it outlives both.
struct WorkPage {
    std::atomic<std::uint64_t> begun;          ///< The last message that was begun; by the child.
    std::atomic<std::uint64_t> done;           ///< All up to it have ended; by the child.
    std::atomic<std::uint64_t> retract_above;  ///< By the host, as all that follow.
    std::atomic<std::uint64_t> retract_up_to;
    CancelWord cancelled;
    std::atomic<std::uint64_t> fenced;  ///< It takes part in barriers; by the child.
    std::atomic<std::uint64_t> recycle;
    std::atomic<std::uint64_t> first;  ///< The number of the worker's first note.
};
static_assert(sizeof(WorkPage) == 64 && std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace rococo::svchost
