// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "rococo_svchost/runtime/inquest.hpp"

namespace rococo::svchost {

/// What the first bytes of a notes file say. Files of version 1.0.0 have no header.
struct CrashFileHeader {
    static constexpr std::uint64_t kMagic = 0x31'65'74'6f'6e'63'6f'72U;  // "rocnote1"

    std::uint64_t magic = kMagic;
    std::uint32_t version = 2;
    std::uint32_t pid = 0;
    std::uint32_t workers = 0;
    std::uint32_t max_batch = 0;
    std::atomic<std::uint32_t> ending_on_purpose = 0;
    std::atomic<std::uint32_t> blamed = 0;  ///< The number of the worker, and 1.
    std::atomic<std::int32_t> signal = 0;   ///< 0: the worker called `exit`.
    std::array<char, 28> reserved{};
};
static_assert(sizeof(CrashFileHeader) == 64 && std::atomic<std::uint32_t>::is_always_lock_free);

/// A message in hand: a cache line, so that workers do not disturb each other.
struct CrashFileNote {
    std::atomic<std::uint64_t> identity = 0;  ///< 0: nothing.
    std::array<char, 52> name{};              ///< For people; ends with zeros, or is cut off.
    std::uint32_t attempt = 0;                ///< As the queue counts; a name's end in version 1.
};
static_assert(sizeof(CrashFileNote) == 64);

/// Reads a notes file, of this version or of 1.0.0, whatever state it is in.
[[nodiscard]] DeadHost read_crash_file(int descriptor);

/// Reads a page that a worker shared with its child, a file that begins with a `WorkPage`; none
/// where it is too short.
[[nodiscard]] std::optional<ChildsWork> read_work_page(int page);

}  // namespace rococo::svchost
