// SPDX-License-Identifier: MIT
#include "child_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <mutex>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "rococo/base/process_table.hpp"
#include "rococo/base/signal_name.hpp"

namespace rococo::svchost::child {

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (std::string& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

bool names_the_same(std::string_view one, std::string_view other) {
    const std::size_t end = one.find('=');
    return end != std::string_view::npos && other.substr(0, end + 1) == one.substr(0, end + 1);
}

/// This process's variables but for those that `more` has, and `more`.
std::vector<char*> environment_with(std::vector<std::string>& more) {
    std::vector<char*> all;
    for (char** one = environ; *one != nullptr; ++one) {
        const bool replaced = std::ranges::any_of(
            more, [&](const std::string& other) { return names_the_same(other, *one); });
        if (!replaced) all.push_back(*one);
    }
    for (std::string& one : more) all.push_back(one.data());
    all.push_back(nullptr);
    return all;
}

/// All that the new process needs, prepared before it exists: other threads may hold any lock then.
struct Plan {
    const char* path;
    const char* folder;  // none: here
    char* const* arguments;
    char* const* environment;
    std::span<const int> descriptors;  // of the child, by number
    std::span<int> moved;              // room for as many
    int report;                        // where to say why there is no program
    GroupGuard::Place* place;          // for its number
    pid_t parent;
};

/// Has no handler of ours run in the new process, which shares our memory until it has a program.
void forget_handlers() {
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) != 0) continue;
        if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
        action = {};
        ::sigaction(signal, &action, nullptr);
    }
}

/// In the new process, before its program: only calls that are safe in a signal handler.
[[noreturn]] void become(const Plan& plan) {
    ::setpgid(0, 0);
    if (plan.place != nullptr) plan.place->store(::getpid());
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != plan.parent) ::_exit(0);  // it died before it could be asked for
    constexpr int kOutOfTheWay = 64;
    for (std::size_t i = 0; i < plan.moved.size(); ++i)
        plan.moved[i] = ::fcntl(plan.descriptors[i], F_DUPFD_CLOEXEC, kOutOfTheWay);
    const int report = ::fcntl(plan.report, F_DUPFD_CLOEXEC, kOutOfTheWay);
    for (std::size_t i = 0; i < plan.moved.size(); ++i) ::dup2(plan.moved[i], static_cast<int>(i));
    ::close_range(static_cast<unsigned>(plan.moved.size()), ~0U, CLOSE_RANGE_CLOEXEC);
    forget_handlers();
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (plan.folder == nullptr || ::chdir(plan.folder) == 0)
        ::execve(plan.path, plan.arguments, plan.environment);
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(report, &error, sizeof error);
    ::_exit(127);
}

/// The new process's number; negative, with the reason in `errno`, if there is none. This thread
/// stands still until the program runs, and its memory is not copied for that: a host's is large.
pid_t start_process(const Plan& plan) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // no handler may run in the new process
    // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork): as posix_spawn does it
    const pid_t pid = ::vfork();
    if (pid == 0) become(plan);
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return pid;
}

/// Our processes that are not yet taken from the system.
///
/// As process 1 of a container, this process is also the parent of orphans: what processors have
/// started and left. It tells them by this list, since with processors in other processes no code
/// but ours starts any here. Elsewhere there are none, and nothing is kept.
class OurProcesses {
public:
    static OurProcesses& instance() {
        static OurProcesses only;
        return only;
    }

    [[nodiscard]] bool may_have_orphans() const { return is_process_1_; }

    /// As `start_process`.
    pid_t start(const Plan& plan) {
        if (!is_process_1_) return start_process(plan);
        const std::scoped_lock lock(mutex_);  // it must be known before it can end
        const pid_t pid = start_process(plan);
        if (pid > 0) all_.insert(pid);
        return pid;
    }
    /// Takes one that has ended.
    void take(pid_t process, siginfo_t& info) {
        const std::scoped_lock lock(mutex_);
        ::waitid(P_PID, static_cast<id_t>(process), &info, WEXITED);
        all_.erase(process);
    }
    /// Takes all others that have ended.
    void take_orphans() {
        const std::scoped_lock lock(mutex_);
        for (const auto& [process, entry] : process_table())
            if (entry.parent == 1 && entry.state == 'Z' && !all_.contains(process))
                ::waitpid(process, nullptr, WNOHANG);
    }

private:
    const bool is_process_1_ = ::getpid() == 1;
    std::mutex mutex_;
    std::set<pid_t> all_;
};

// How often process 1 looks for orphans.
constexpr std::chrono::seconds kOrphansEvery{5};

/// Starts processes on one thread that never ends: PR_SET_PDEATHSIG means the death of the
/// thread that forked, and runs of a schedule have threads that come and go. In process 1 it takes
/// orphans from the system meanwhile.
class StartingThread {
public:
    static StartingThread& instance() {
        static auto& only = *new StartingThread;  // never destroyed, as its thread never ends
        return only;
    }

    /// The new process's number; negative, with the reason in `errno`, if there is none.
    pid_t start(const Plan& plan) {
        const std::scoped_lock one_at_a_time(callers_);
        std::unique_lock lock(mutex_);
        plan_ = &plan;
        changed_.notify_all();
        changed_.wait(lock, [this] { return plan_ == nullptr; });
        errno = error_;
        return pid_;
    }

private:
    StartingThread() {
        std::thread([this] { work(); }).detach();
    }

    [[noreturn]] void work() {
        OurProcesses& processes = OurProcesses::instance();
        const auto is_asked = [this] { return plan_ != nullptr; };
        std::unique_lock lock(mutex_);
        while (true) {
            if (!processes.may_have_orphans()) {
                changed_.wait(lock, is_asked);
            } else if (!changed_.wait_for(lock, kOrphansEvery, is_asked)) {
                processes.take_orphans();
                continue;
            }
            pid_ = processes.start(*plan_);
            error_ = errno;
            plan_ = nullptr;
            changed_.notify_all();
        }
    }

    std::mutex callers_;
    std::mutex mutex_;  // guards all that follows
    std::condition_variable changed_;
    const Plan* plan_ = nullptr;
    pid_t pid_ = -1;
    int error_ = 0;
};

}  // namespace

std::string ChildEnd::words() const {
    return by_signal ? signal_name(number) : fmt::format("exit code {}", number);
}

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(const ChildCommand& command,
                                                          std::span<const int> descriptors,
                                                          EndsWith ends_with) {
    const auto refuse = [&](int error) {
        return failure(ErrorKind::service, fmt::format("cannot start {}: {}", command.path,
                                                       std::generic_category().message(error)));
    };
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return refuse(errno);
    const FileDescriptor reason(ends[0]);
    FileDescriptor report(ends[1]);
    std::vector<std::string> arguments = command.arguments;
    std::vector<std::string> environment = command.environment;
    const std::vector<char*> argument_pointers = pointers_to(arguments);
    const std::vector<char*> environment_pointers = environment_with(environment);
    std::vector<int> moved(descriptors.size());
    std::unique_ptr<ChildProcess> child(new ChildProcess);
    child->place_ = GroupGuard::instance().take_place();
    const Plan plan{.path = command.path.c_str(),
                    .folder = command.folder.empty() ? nullptr : command.folder.c_str(),
                    .arguments = argument_pointers.data(),
                    .environment = environment_pointers.data(),
                    .descriptors = descriptors,
                    .moved = moved,
                    .report = report.get(),
                    .place = child->place_,
                    .parent = ::getpid()};
    OurProcesses& processes = OurProcesses::instance();
    if (processes.may_have_orphans()) (void)StartingThread::instance();
    const pid_t pid = ends_with == EndsWith::thread ? processes.start(plan)
                                                    : StartingThread::instance().start(plan);
    if (pid < 0) return refuse(errno);

    child->pid_ = pid;
    ::setpgid(pid, pid);  // by both, so that it holds whoever comes first
    child->ended_ = FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!child->ended_.is_open()) return refuse(errno);
    report.close();
    int error = 0;
    if (::read(reason.get(), &error, sizeof error) == sizeof error) return refuse(error);
    return child;
}

ChildProcess::~ChildProcess() {
    if (pid_ < 0) {  // it never was
        GroupGuard::give_back(place_);
        return;
    }
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

void ChildProcess::signal_group(int number) const {
    const std::scoped_lock lock(mutex_);
    if (!end_) ::kill(-pid_, number);
}

void ChildProcess::kill() const { signal_group(SIGKILL); }

std::optional<ChildEnd> ChildProcess::how_it_ended() {
    const std::scoped_lock lock(mutex_);
    if (end_) return end_;
    siginfo_t info{};
    const auto id = static_cast<id_t>(pid_);
    // Nobody else gets its number before it was taken from the system, so the group is still its.
    if (::waitid(P_PID, id, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return std::nullopt;
    ::kill(-pid_, SIGKILL);
    OurProcesses::instance().take(pid_, info);
    GroupGuard::give_back(std::exchange(place_, nullptr));
    end_ = ChildEnd{info.si_code != CLD_EXITED, info.si_status};
    return end_;
}

std::optional<std::string> ChildProcess::end() {
    const auto how = how_it_ended();
    if (!how) return std::nullopt;
    return how->words();
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
