// SPDX-License-Identifier: MIT
#include "child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "rococo/base/process_table.hpp"
#include "rococo/base/signal_name.hpp"

namespace rococo::svchost::child {

namespace {

using Pair = std::array<FileDescriptor, 2>;  // ours and the child's

bool make_sockets(Pair& pair) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
    pair = {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    return true;
}

bool make_pipe(Pair& pair, int flags) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0) return false;
    pair = {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    return true;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

std::vector<std::string> environment_with(const std::vector<std::string>& more) {
    std::vector<std::string> all;
    for (char** one = environ; *one != nullptr; ++one) all.emplace_back(*one);
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

/// All that the new process needs, prepared before the fork: other threads may hold any lock then.
struct Plan {
    const char* path;
    char* const* arguments;
    char* const* environment;
    std::array<int, 6> descriptors;  // of the child, by number
    int report;                      // where to say why there is no program
    pid_t parent;
};

/// In the new process, before its program: only calls that are safe in a signal handler.
[[noreturn]] void become(const Plan& plan) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(0);  // it died before it could be asked for
    constexpr int kOutOfTheWay = 64;
    std::array<int, 6> moved{};
    for (std::size_t i = 0; i < moved.size(); ++i)
        moved[i] = ::fcntl(plan.descriptors[i], F_DUPFD_CLOEXEC, kOutOfTheWay);
    const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, kOutOfTheWay);
    for (std::size_t i = 0; i < moved.size(); ++i) ::dup2(moved[i], static_cast<int>(i));
    ::close_range(static_cast<unsigned>(moved.size()), ~0U, CLOSE_RANGE_CLOEXEC);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.path, plan.arguments, plan.environment);
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
    ::_exit(127);
}

// How often process 1 looks for orphans.
constexpr std::chrono::seconds kOrphansEvery{5};

/// Starts all processes on one thread that never ends: PR_SET_PDEATHSIG means the death of the
/// thread that forked, and runs of a schedule have threads that come and go.
///
/// As process 1 of a container, this process is also the parent of orphans: what processors have
/// started and left. The same thread takes those that have ended from the system. It knows which
/// children are not orphans, since it has forked them all: with processors in other processes, no
/// code but ours runs in this one.
class StartingThread {
public:
    static StartingThread& instance() {
        static auto& only = *new StartingThread;  // never destroyed, as its thread never ends
        return only;
    }

    /// The new process's number; negative, with the reason in `errno`, if there is none.
    pid_t fork(const Plan& plan) {
        const std::scoped_lock one_at_a_time(callers_);
        std::unique_lock lock(mutex_);
        plan_ = &plan;
        changed_.notify_all();
        changed_.wait(lock, [this] { return plan_ == nullptr; });
        errno = error_;
        return pid_;
    }

    /// Takes one of its processes from the system, which has ended, and forgets it.
    void take(pid_t process, siginfo_t& info) {
        const std::scoped_lock lock(mutex_);
        ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED);
        started_.erase(process);
    }

private:
    StartingThread() {
        std::thread([this] { work(); }).detach();
    }

    [[noreturn]] void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            const auto is_asked = [this] { return plan_ != nullptr; };
            if (::getpid() != 1) {
                changed_.wait(lock, is_asked);
            } else if (!changed_.wait_for(lock, kOrphansEvery, is_asked)) {
                take_orphans();
                continue;
            }
            pid_ = ::fork();
            if (pid_ == 0) become(*plan_);
            error_ = errno;
            if (pid_ > 0) started_.insert(pid_);
            plan_ = nullptr;
            changed_.notify_all();
        }
    }

    void take_orphans() const {
        for (const auto& [process, entry] : process_table())
            if (entry.parent == 1 && entry.state == 'Z' && !started_.contains(process))
                ::waitpid(process, nullptr, WNOHANG);
    }

    std::mutex callers_;
    std::mutex mutex_;         // guards all that follows
    std::set<pid_t> started_;  // and not yet taken from the system
    std::condition_variable changed_;
    const Plan* plan_ = nullptr;
    pid_t pid_ = -1;
    int error_ = 0;
};

std::string words_for(const siginfo_t& info) {
    return info.si_code == CLD_EXITED ? fmt::format("exit code {}", info.si_status)
                                      : signal_name(info.si_status);
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ChildCommand& command, int page) {
    const auto refuse = [&](int error) {
        return failure(ErrorKind::service, fmt::format("cannot start {}: {}", command.path,
                                                       std::generic_category().message(error)));
    };
    Pair work;
    Pair calls;
    Pair output;
    Pair errors;
    Pair report;
    const FileDescriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!nothing.is_open() || !make_sockets(work) || !make_sockets(calls) ||
        !make_pipe(output, 0) || !make_pipe(errors, 0) || !make_pipe(report, 0)) {
        return refuse(errno);
    }
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = environment_with(command.environment);
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = pointers_to(environment);
    const Plan plan{.path = command.path.c_str(),
                    .arguments = argument_pointers.data(),
                    .environment = environment_pointers.data(),
                    .descriptors = {nothing.get(), output[1].get(), errors[1].get(), work[1].get(),
                                    calls[1].get(), page},
                    .report = report[1].get(),
                    .parent = ::getpid()};
    const pid_t pid = StartingThread::instance().fork(plan);
    if (pid < 0) return refuse(errno);

    std::unique_ptr<ChildProcess> child(new ChildProcess);
    child->pid_ = pid;
    ::setpgid(pid, pid);  // by both, so that it holds whoever comes first
    child->ended_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    child->work_ = std::move(work[0]);
    child->calls_ = std::move(calls[0]);
    child->output_ = std::move(output[0]);
    child->errors_ = std::move(errors[0]);
    for (const int pipe : {child->output(), child->errors()})
        ::fcntl(pipe, F_SETFL, ::fcntl(pipe, F_GETFL) | O_NONBLOCK);
    if (!child->ended_.is_open()) return refuse(errno);
    report[1].close();
    int error = 0;
    if (::read(report[0].get(), &error, sizeof error) == sizeof error) return refuse(error);
    return child;
}

ChildProcess::~ChildProcess() {
    kill();
    (void)wait_for_end();
}

std::uint64_t ChildProcess::memory() const {
    std::ifstream file(fmt::format("/proc/{}/statm", pid_));
    std::uint64_t size = 0;
    std::uint64_t resident = 0;  // in pages
    file >> size >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void ChildProcess::signal(int number) const {
    const std::scoped_lock lock(mutex_);
    if (!end_) ::kill(pid_, number);
}

void ChildProcess::kill() const {
    const std::scoped_lock lock(mutex_);
    if (!end_) ::kill(-pid_, SIGKILL);
}

std::optional<std::string> ChildProcess::end() {
    const std::scoped_lock lock(mutex_);
    if (end_) return end_;
    siginfo_t info{};
    const auto id = static_cast<id_t>(pid_);
    // Nobody else gets its number before it was taken from the system, so the group is still its.
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return std::nullopt;
    ::kill(-pid_, SIGKILL);
    StartingThread::instance().take(pid_, info);
    end_ = words_for(info);
    return end_;
}

std::optional<std::string> ChildProcess::end_within(std::chrono::milliseconds time) {
    if (auto words = end()) return words;
    pollfd ended{ended_.get(), POLLIN, 0};
    ::poll(&ended, 1, static_cast<int>(time.count()));
    return end();
}

std::string ChildProcess::wait_for_end() {
    pollfd ended{ended_.get(), POLLIN, 0};
    while (true) {
        if (auto words = end()) return *words;
        ::poll(&ended, 1, ended_.is_open() ? -1 : 10);
    }
}

}  // namespace rococo::svchost::child
