// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "rococo/base/result.hpp"
#include "rococo_svchost/runtime/work_page.hpp"

namespace rococo::svchost::child {

/// The child's side of the page (`ChildPage` is the host's).
class WorkerPage {
public:
    /// Maps the host's file. **Errors**: kind `service`, with the system's reason.
    [[nodiscard]] static Result<WorkerPage> open(int descriptor);
    ~WorkerPage();
    WorkerPage(WorkerPage&& other) noexcept;
    WorkerPage& operator=(WorkerPage&&) = delete;

    /// Notes that all up to this message are begun. False: the host has retracted it, and it must
    /// not be processed.
    [[nodiscard]] bool begin(std::uint64_t seq) noexcept;
    /// All up to this message have ended, and what failed was said.
    void end(std::uint64_t seq) noexcept;
    /// The last message that the host has retracted.
    [[nodiscard]] std::uint64_t retracted_up_to() const noexcept { return words_->retract_up_to; }
    /// True while a call should end early.
    [[nodiscard]] const CancelWord& cancelled() const noexcept { return words_->cancelled; }

private:
    explicit WorkerPage(WorkPage* words) : words_(words) {}

    WorkPage* words_;
};

}  // namespace rococo::svchost::child
