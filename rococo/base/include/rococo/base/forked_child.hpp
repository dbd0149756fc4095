// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace rococo {

/// While it exists, closes a descriptor in every child that this process forks.
///
/// A `flock` lock is held until the last copy of its descriptor is closed. O_CLOEXEC covers
/// children that exec a program. Without this class, a child that a service forks without exec
/// would keep the lock after its parent's death, for as long as the child lives.
///
/// **Ownership**: the caller owns the descriptor, which must outlive this object (declare it
/// first).
/// **Thread-safety**: objects may be created and destroyed on any thread, even during forks.
class ClosedInForkedChild {
public:
    /// A negative descriptor means that there is nothing to close.
    explicit ClosedInForkedChild(int descriptor = -1);
    ~ClosedInForkedChild();
    ClosedInForkedChild(ClosedInForkedChild&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)) {}
    ClosedInForkedChild& operator=(ClosedInForkedChild&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ClosedInForkedChild(const ClosedInForkedChild&) = delete;
    ClosedInForkedChild& operator=(const ClosedInForkedChild&) = delete;

private:
    int descriptor_;
};

}  // namespace rococo
