// SPDX-License-Identifier: MIT
#include "worker_page.hpp"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace rococo::svchost::child {

Result<WorkerPage> WorkerPage::open(int descriptor) {
    void* const map =
        ::mmap(nullptr, sizeof(WorkPage), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (map == MAP_FAILED) {
        return failure(ErrorKind::service, fmt::format("the host's page cannot be mapped: {}",
                                                       std::generic_category().message(errno)));
    }
    // A process that the user's code forks must not note anything in it.
    ::madvise(map, sizeof(WorkPage), MADV_DONTFORK);
    return WorkerPage(static_cast<WorkPage*>(map));  // the host has made the words
}

WorkerPage::WorkerPage(WorkerPage&& other) noexcept
    : words_(std::exchange(other.words_, nullptr)) {}

WorkerPage::~WorkerPage() {
    if (words_ != nullptr) ::munmap(words_, sizeof(WorkPage));
}

bool WorkerPage::begin(std::uint64_t seq) noexcept {
    // Sequentially consistent, as what the host does: one of the two sees the other.
    words_->begun = seq;
    return seq <= words_->retract_above || seq > words_->retract_up_to;
}

void WorkerPage::end(std::uint64_t seq) noexcept { words_->done = seq; }

}  // namespace rococo::svchost::child
