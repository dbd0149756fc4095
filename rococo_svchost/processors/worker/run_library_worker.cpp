// SPDX-License-Identifier: MIT
#include <execinfo.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "library_worker.hpp"
#include "rococo_svchost/processors/library_worker.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"

namespace rococo::svchost {

namespace {

using child::HostCalls;
using child::LibraryWorker;
using child::WorkerPage;

constexpr int kUsage = 64;          // EX_USAGE
constexpr int kServiceFailed = 70;  // EX_SOFTWARE

extern "C" void show_stack(int /*signal*/) {
    constexpr std::string_view kTitle = "The processor has used up its time. It is in:\n";
    // Nothing can be done where it fails.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kTitle.data(), kTitle.size());
    std::array<void*, 64> frames{};
    ::backtrace_symbols_fd(frames.data(), ::backtrace(frames.data(), frames.size()), STDERR_FILENO);
}

/// Has the signal by which the host asks where a processor is shown a stack.
void answer_stack_signal() {
    struct sigaction action {};
    action.sa_handler = &show_stack;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(child::kStackSignal, &action, nullptr);
}

bool close_on_exec(int descriptor) { return ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0; }

}  // namespace

int run_library_worker(const std::filesystem::path& library) {
    for (const int descriptor :
         {child::kWorkDescriptor, child::kCallsDescriptor, child::kPageDescriptor}) {
        if (close_on_exec(descriptor)) continue;
        std::fputs("svchost: this is what svchost runs for PROCESSOR_ISOLATION=process\n", stderr);
        return kUsage;
    }
    auto page = WorkerPage::open(child::kPageDescriptor);
    if (!page) {
        std::fprintf(stderr, "svchost: %s\n", page.error().message.c_str());
        return kServiceFailed;
    }
    // Lives as long as the process, as a service's own threads may rely on.
    static auto& calls = *new HostCalls(FileDescriptor(child::kCallsDescriptor));

    const CrashHandler crash_handler(nullptr);
    const CrashableThread crashable;
    answer_stack_signal();
    LibraryWorker worker(library, FileDescriptor(child::kWorkDescriptor), calls, std::move(*page));
    const auto ended = worker.run();
    if (ended) return 0;
    worker.refuse(ended.error());
    return kServiceFailed;
}

}  // namespace rococo::svchost
