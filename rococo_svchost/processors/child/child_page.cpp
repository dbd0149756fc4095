// SPDX-License-Identifier: MIT
#include "child_page.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

namespace rococo::svchost::child {

Result<ChildPage> ChildPage::open(FileDescriptor file) {
    // Real blocks, not a hole: writing to a mapped hole on a full disk kills the process.
    int error = ::posix_fallocate(file.get(), 0, kBytes);
    void* map = MAP_FAILED;
    if (error == 0) {
        map = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        if (map == MAP_FAILED) error = errno;
    }
    if (error != 0) {
        return failure(ErrorKind::unavailable,
                       fmt::format("no page to share with a processor's process: {}",
                                   std::generic_category().message(error)));
    }
    ::madvise(map, kBytes, MADV_DONTFORK);
    ChildPage page(std::move(file), new (map) WorkPage);
    page.reset();
    return page;
}

Result<ChildPage> ChildPage::make(std::filesystem::path folder) {
    std::error_code error;
    folder = std::filesystem::absolute(folder, error);
    while (!std::filesystem::exists(folder, error) && folder.has_relative_path())
        folder = folder.parent_path();
    FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!file.is_open()) file = FileDescriptor(::memfd_create("rococo-page", MFD_CLOEXEC));
    return open(std::move(file));
}

ChildPage::ChildPage(FileDescriptor file, WorkPage* words)
    : file_(std::move(file)), words_(words) {}

ChildPage::ChildPage(ChildPage&& other) noexcept
    : file_(std::move(other.file_)), words_(std::exchange(other.words_, nullptr)) {}

ChildPage::~ChildPage() {
    if (words_ != nullptr) ::munmap(words_, kBytes);
}

void ChildPage::reset() noexcept {
    words_->begun = 0;
    words_->done = 0;
    words_->retract_above = 0;
    words_->retract_up_to = 0;
    words_->cancelled = 0;
    words_->fenced = 0;
    words_->recycle = 0;
    words_->first = 1;
}

ChildProgress ChildPage::progress() const noexcept {
    // In this order: what has ended had begun.
    const std::uint64_t done = words_->done;
    return {.begun = words_->begun, .done = done};
}

void ChildPage::show(const ChildProgress& progress) noexcept {
    words_->begun = progress.begun;
    words_->done = progress.done;
}

void ChildPage::begin_window(std::uint64_t first) noexcept {
    words_->retract_above = 0;
    words_->retract_up_to = 0;
    words_->first = first;
}

void ChildPage::retract(std::uint64_t above, std::uint64_t up_to) noexcept {
    // Whoever sees the second has the first.
    words_->retract_above = above;
    words_->retract_up_to = up_to;
    // What the child stored before can be seen from now on, and what it reads from now on is this.
    // Where it takes no part, or the kernel none, the wait that follows must do.
    if (words_->fenced != 0) ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

void ChildPage::set_cancelled(bool cancelled) noexcept { words_->cancelled = cancelled ? 1 : 0; }

}  // namespace rococo::svchost::child
