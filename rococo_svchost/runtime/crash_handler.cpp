// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_handler.hpp"

#include <execinfo.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace rococo::svchost {

namespace {

constexpr std::array kSignals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t kStackSize = std::size_t{64} << 10U;
constexpr int kFrames = 64;
// Neither a stack that cannot be read nor a standard error whose reader stalls may hold the process
// back from its death.
constexpr unsigned kMostSeconds = 10;
constexpr int kServiceFailed = 70;  // EX_SOFTWARE

// Signal handlers and exit have no argument of their own.
std::atomic<bool> installed = false;
std::atomic<CrashNotes*> told = nullptr;
std::atomic<void (*)()> last_words = nullptr;
std::atomic<pid_t> owner = 0;  // not a child that a service forked
std::atomic<bool> crashing = false;
std::array<struct sigaction, kSignals.size()> before{};

thread_local std::size_t this_worker = CrashableThread::kNoWorker;

/// Puts a line together and writes it: in a signal handler there is nothing better.
class Line {
public:
    Line& operator<<(std::string_view text) {
        const std::size_t length = std::min(text.size(), text_.size() - 1 - size_);
        std::memcpy(text_.data() + size_, text.data(), length);
        size_ += length;
        return *this;
    }
    Line& operator<<(std::size_t number) {
        std::array<char, 20> digits{};
        std::size_t at = digits.size();
        do {
            digits[--at] = static_cast<char>('0' + number % 10);
            number /= 10;
        } while (number > 0);
        return *this << std::string_view(digits.data() + at, digits.size() - at);
    }
    void write() {
        text_[size_++] = '\n';
        // Nothing can be done where it fails.
        [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text_.data(), size_);
    }

private:
    std::array<char, 256> text_{};
    std::size_t size_ = 0;
};

std::string_view name_of(int signal) {
    switch (signal) {
        case SIGSEGV:
            return "SIGSEGV";
        case SIGBUS:
            return "SIGBUS";
        case SIGFPE:
            return "SIGFPE";
        case SIGILL:
            return "SIGILL";
        default:
            return "SIGABRT";
    }
}

void die_in_time() {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGALRM, &action, nullptr);
    ::alarm(kMostSeconds);
}

/// Notes whose doing it is, and says so.
void tell(std::string_view what, int signal, bool own_doing) {
    CrashNotes* const blamed = told;
    const bool named = this_worker != CrashableThread::kNoWorker && own_doing;
    if (named && blamed != nullptr) blamed->blame(this_worker, signal);
    die_in_time();
    if (auto* const say = last_words.load()) say();
    Line line;
    line << "svchost: " << what;
    if (named) {
        line << " in worker " << this_worker;
        std::array<char, 56> name{};
        const std::size_t length = blamed == nullptr ? 0 : blamed->name_in_hand(this_worker, name);
        if (length > 0) line << " with message " << std::string_view(name.data(), length);
    }
    line.write();
}

void write_stack() {
    std::array<void*, kFrames> frames{};
    const int count = ::backtrace(frames.data(), kFrames);
    ::backtrace_symbols_fd(frames.data(), count, STDERR_FILENO);
}

/// Whoever was asked before is asked now: by the same instruction once more, or by the same signal.
void pass_on(int signal, const siginfo_t* info) {
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        if (kSignals.at(i) == signal) ::sigaction(signal, &before.at(i), nullptr);
    }
    if (info->si_code <= 0) ::raise(signal);  // sent, and not by an instruction
}

extern "C" void on_crash(int signal, siginfo_t* info, void* /*context*/) {
    if (owner == ::getpid()) {
        // One at a time; the others' death is the same as the first one's.
        if (crashing.exchange(true)) {
            while (true) ::pause();
        }
        // Sent by somebody else, such as a watchdog: no thread's doing.
        const bool own_doing =
            info->si_code > 0 || (info->si_code == SI_TKILL && info->si_pid == ::getpid());
        tell(name_of(signal), signal, own_doing);
        write_stack();
    }
    pass_on(signal, info);
}

extern "C" void on_exit_called() {
    // A child that a service forked may end as it likes.
    if (!installed || owner != ::getpid()) return;
    tell("exit() was called", 0, true);
    ::_exit(kServiceFailed);
}

}  // namespace

CrashHandler::CrashHandler(CrashNotes* notes, void (*before_death)()) {
    static const int once = std::atexit(&on_exit_called);
    static_cast<void>(once);
    // The first call loads libgcc, which a crash must not.
    std::array<void*, 1> frame{};
    ::backtrace(frame.data(), 1);

    told = notes;
    last_words = before_death;
    owner = ::getpid();
    crashing = false;
    installed = true;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        struct sigaction action {};
        action.sa_sigaction = &on_crash;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK;
        ::sigemptyset(&action.sa_mask);
        ::sigaction(kSignals.at(i), &action, &before.at(i));
    }
}

CrashHandler::~CrashHandler() {
    installed = false;
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
        struct sigaction current {};
        // A service may have put its own before ours.
        if (::sigaction(kSignals.at(i), nullptr, &current) == 0 &&
            current.sa_sigaction == &on_crash) {
            ::sigaction(kSignals.at(i), &before.at(i), nullptr);
        }
    }
    told = nullptr;
}

CrashableThread::CrashableThread(std::size_t worker) {
    this_worker = worker;
    stack_t current{};
    // Sanitizers give threads one of their own.
    if (::sigaltstack(nullptr, &current) != 0 || (current.ss_flags & SS_DISABLE) == 0) return;
    void* const memory = ::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_t own{};
    own.ss_sp = memory;
    own.ss_size = kStackSize;
    if (::sigaltstack(&own, nullptr) == 0) {
        stack_ = memory;
    } else {
        ::munmap(memory, kStackSize);
    }
}

CrashableThread::~CrashableThread() {
    this_worker = kNoWorker;
    if (stack_ == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
    ::munmap(stack_, kStackSize);
}

}  // namespace rococo::svchost
