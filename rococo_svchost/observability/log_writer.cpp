// SPDX-License-Identifier: MIT
#include "log_writer.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <system_error>
#include <utility>

#include "rococo/base/counted.hpp"

namespace rococo::svchost {

namespace {

constexpr std::chrono::milliseconds kFlushAtEnd{1'000};
// A buffer that grew in a burst is freed.
constexpr std::size_t kKeptBuffer = std::size_t{256} << 10U;

// Waking a thread costs the caller more than the line itself, so while lines keep coming, the
// writer polls for them.
constexpr std::chrono::microseconds kNap{200};
constexpr int kMostNaps = 10;

/// Writes everything, waiting while the descriptor accepts nothing. On failure, returns the rest
/// and sets `errno`.
std::string_view write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            // Another process that shares the descriptor made it non-blocking.
            pollfd room{descriptor, POLLOUT, 0};
            ::poll(&room, 1, -1);
        } else if (errno != EINTR) {
            break;
        }
    }
    return text;
}

/// Waits by polling, because a signal handler may not do anything else.
bool wait_for_zero(const std::atomic<std::size_t>& number,
                   std::chrono::milliseconds timeout) noexcept {
    constexpr timespec kStep{0, 200'000};
    timespec began{};
    ::clock_gettime(CLOCK_MONOTONIC, &began);
    while (number.load() != 0) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto waited = std::chrono::seconds(now.tv_sec - began.tv_sec) +
                            std::chrono::nanoseconds(now.tv_nsec - began.tv_nsec);
        if (waited >= timeout) return false;
        ::nanosleep(&kStep, nullptr);
    }
    return true;
}

/// Starts a thread that blocks asynchronous signals, because a handler that waits for the log must
/// not run on the thread that writes it. Signals for its own faults are still delivered.
template <typename Work>
std::thread start_without_signals(Work work) {
    sigset_t others;
    sigset_t before;
    ::sigfillset(&others);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&others, own);
    ::pthread_sigmask(SIG_SETMASK, &others, &before);
    std::thread thread;
    try {
        thread = std::thread(std::move(work));
    } catch (const std::system_error&) {  // no thread available: write lines directly
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

}  // namespace

struct LogWriter::State {
    explicit State(Settings given) : settings(std::move(given)) {}

    void run();
    void write(std::string& batch, std::size_t dropped_after);

    const Settings settings;
    std::mutex mutex;  // guards the following
    std::condition_variable filled;
    std::string pending;
    std::size_t dropped = 0;  // lines, after what is pending
    bool stopping = false;
    bool direct = false;  // without a thread: in a forked child, or if none could be created

    std::atomic<std::size_t> unwritten = 0;  // bytes; changed under the mutex, read by any thread

    // Used only by the thread.
    std::size_t lost = 0;  // lines that could not be written, not reported yet
    std::string lost_why;
    bool torn = false;  // a line was partly written

    // For forks and signal handlers.
    static std::atomic<State*> current;
    static State* forking;
    static void hold_still_for_forks();
};

std::atomic<LogWriter::State*> LogWriter::State::current = nullptr;
LogWriter::State* LogWriter::State::forking = nullptr;

void LogWriter::State::run() {
    std::string batch;
    std::unique_lock held(mutex);
    while (true) {
        for (int naps = 0; naps < kMostNaps && pending.empty() && !stopping; ++naps) {
            held.unlock();
            std::this_thread::sleep_for(kNap);
            held.lock();
        }
        filled.wait(held, [this] { return !pending.empty() || stopping; });
        if (pending.empty()) return;
        batch.swap(pending);
        const std::size_t bytes = batch.size();
        const std::size_t dropped_after = std::exchange(dropped, 0);
        held.unlock();
        write(batch, dropped_after);
        batch.clear();
        if (batch.capacity() > kKeptBuffer) batch.shrink_to_fit();
        held.lock();
        unwritten -= bytes;
    }
}

void LogWriter::State::write(std::string& batch, std::size_t dropped_after) {
    if (dropped_after > 0) {
        batch +=
            settings.notice(fmt::format("{} dropped, because the reader of the log did not keep up",
                                        counted(dropped_after, "log line")));
    }
    if (lost > 0) {
        batch.insert(
            0, settings.notice(fmt::format("{} lost: {}", counted(lost, "log line"), lost_why)));
    }
    if (torn) batch.insert(0, "\n");
    const std::string_view left = write_all(settings.descriptor, batch);
    if (left.empty()) {
        lost = 0;
        torn = false;
        return;
    }
    // Losses that were about to be reported count again; a partly written line is lost too.
    lost_why = std::generic_category().message(errno);
    const auto said = (lost > 0 ? 1U : 0U) + (dropped_after > 0 ? 1U : 0U) + (torn ? 1U : 0U);
    const auto lines = static_cast<std::size_t>(std::count(left.begin(), left.end(), '\n'));
    lost += dropped_after + (lines > said ? lines - said : 0);
    const std::size_t taken = batch.size() - left.size();
    if (taken > 0) torn = batch[taken - 1] != '\n';
}

// The forking thread holds the mutex, so that the child's copy is consistent. The child has no
// writer thread, and the parent writes the queued lines.
void LogWriter::State::hold_still_for_forks() {
    static const int once = ::pthread_atfork(
        [] {
            forking = current.load();
            if (forking != nullptr) forking->mutex.lock();
        },
        [] {
            if (forking != nullptr) forking->mutex.unlock();
        },
        [] {
            if (forking == nullptr) return;
            forking->direct = true;
            forking->pending.clear();
            forking->unwritten = 0;
            forking->mutex.unlock();
        });
    static_cast<void>(once);
}

LogWriter::LogWriter(Settings settings) : state_(std::make_shared<State>(std::move(settings))) {
    thread_ = start_without_signals([state = state_] { state->run(); });
    state_->direct = !thread_.joinable();
    State::hold_still_for_forks();
    State::current = state_.get();
}

LogWriter::~LogWriter() {
    State* expected = state_.get();
    State::current.compare_exchange_strong(expected, nullptr);
    const bool written = flush(kFlushAtEnd);
    {
        const std::scoped_lock held(state_->mutex);
        state_->stopping = true;
        // The descriptor may be reused for something else later.
        if (!written) state_->pending.clear();
    }
    state_->filled.notify_one();
    if (!thread_.joinable()) return;
    if (written && !state_->direct) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

std::unique_lock<std::mutex> LogWriter::lock() { return std::unique_lock(state_->mutex); }

void LogWriter::push(std::unique_lock<std::mutex> lock, std::string_view line) {
    State& state = *state_;
    if (state.direct) {
        write_all(state.settings.descriptor, line);
        return;
    }
    // A single line may have any length.
    if (!state.pending.empty() && state.pending.size() + line.size() > state.settings.capacity) {
        ++state.dropped;
        return;
    }
    state.pending += line;
    state.unwritten += line.size();
    lock.unlock();
    state.filled.notify_one();
}

bool LogWriter::flush(std::chrono::milliseconds timeout) const noexcept {
    return wait_for_zero(state_->unwritten, timeout);
}

bool LogWriter::flush_any(std::chrono::milliseconds timeout) noexcept {
    const State* const state = State::current.load();
    return state == nullptr || wait_for_zero(state->unwritten, timeout);
}

}  // namespace rococo::svchost
