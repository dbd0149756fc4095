// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "rococo/base/file_descriptor.hpp"
#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/child_window.hpp"
#include "rococo_svchost/runtime/work_page.hpp"

namespace rococo::svchost::child {

/// What host and child write for each other without a system call: a file of 4 KiB, mapped by
/// both, which survives the death of either.
///
/// Each word has one writer. The child stores `begun`, then reads what is retracted; the host
/// stores that, has the child pass a barrier, waits, then reads `begun`: on every machine at least
/// one of them sees the other (docs/adr/0010).
class ChildPage {
public:
    static constexpr std::size_t kBytes = 4096;

    /// Maps a file, which is made that long and empty. **Errors**: kind `unavailable`.
    [[nodiscard]] static Result<ChildPage> open(FileDescriptor file);
    /// Makes one as a file without a name, so that looking at a service leaves nothing; the crash
    /// notes give it one. It lies in the folder, or in what will hold that folder once there is a
    /// run; in memory where that cannot be. **Errors**: as `open`.
    [[nodiscard]] static Result<ChildPage> make(std::filesystem::path folder);
    ~ChildPage();
    ChildPage(ChildPage&& other) noexcept;
    ChildPage& operator=(ChildPage&&) = delete;

    [[nodiscard]] int descriptor() const { return file_.get(); }

    /// Back to the state before the first message of a new process.
    void reset() noexcept;
    [[nodiscard]] ChildProgress progress() const noexcept;
    /// Says where a process is that does not know the page.
    void show(const ChildProgress& progress) noexcept;
    /// A window whose messages are numbered from here, none of them retracted.
    void begin_window(std::uint64_t first) noexcept;
    /// The child must not begin any of the messages up to `up_to` but those up to `above`.
    void retract(std::uint64_t above, std::uint64_t up_to) noexcept;
    void set_cancelled(bool cancelled) noexcept;

private:
    ChildPage(FileDescriptor file, WorkPage* words);

    FileDescriptor file_;
    WorkPage* words_;
};

}  // namespace rococo::svchost::child
