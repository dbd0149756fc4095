// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <string>

namespace rococo::messaging::sqlite {

/// The argument of `fcntl` for a lock on one byte: `F_WRLCK` or `F_UNLCK`.
[[nodiscard]] inline struct flock one_byte(short type, std::int64_t byte) {
    struct flock lock = {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte;
    lock.l_len = 1;
    return lock;
}

/// Who holds a lock on a byte of the open file `descriptor`, for a person: `process 4711
/// (svchost)`, with what it takes to find out where it cannot be seen from here.
///
/// The kernel names no process for a lock of an open file description (`/proc/locks` has -1), so
/// the descriptors of all processes that this user may look at are searched. Only for errors: it
/// takes milliseconds.
[[nodiscard]] std::string lock_holder(int descriptor, std::int64_t byte);

}  // namespace rococo::messaging::sqlite
