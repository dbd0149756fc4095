// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/init.hpp"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <optional>
#include <set>
#include <system_error>

#include "rococo/base/printable.hpp"
#include "rococo/base/process_table.hpp"

namespace rococo::svchost {

namespace {

constexpr std::array kPassedOn{SIGTERM, SIGINT, SIGHUP, SIGQUIT};
// A host is known by its name; init takes another, so that health checks do not mistake it for one.
constexpr const char* kHost = "svchost";
constexpr const char* kInit = "svchost-init";

using Table = std::map<pid_t, ProcessEntry>;

/// Whether the process was started by this one, directly or not, and not by a host below it.
bool is_ours(const Table& table, pid_t process) {
    const pid_t self = ::getpid();
    auto entry = table.find(process);
    for (std::size_t steps = 0; entry != table.end() && steps < table.size(); ++steps) {
        const pid_t parent = entry->second.parent;
        if (parent == self) return true;
        entry = table.find(parent);
        if (entry != table.end() && entry->second.name == kHost) return false;
    }
    return false;
}

std::set<pid_t> ours() {
    std::set<pid_t> found;
    const Table table = process_table();
    for (const auto& [process, entry] : table)
        if (is_ours(table, process)) found.insert(process);
    return found;
}

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<std::string> words = command;
    std::vector<char*> pointers;
    pointers.reserve(words.size() + 1);
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    ::execvp(pointers.front(), pointers.data());
    const int error = errno;
    std::cerr << "svchost init: cannot execute " << printable(command.front()) << ": "
              << std::generic_category().message(error) << std::endl;
    ::_exit(error == ENOENT ? 127 : 126);
}

int exit_code_of(int status) {
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// What is left of the command and of all that it started.
class Family {
public:
    explicit Family(pid_t command) : command_(command) {}

    /// Takes those that have ended from the system.
    void reap() {
        while (true) {
            int status = 0;
            const pid_t process = ::waitpid(-1, &status, WNOHANG);
            if (process < 0) nobody_left_ = true;
            if (process <= 0) return;
            if (process == command_) {
                ended_ = status;
            } else if (asked_.contains(process) && WIFEXITED(status)) {
                last_exit_ = WEXITSTATUS(status);
            }
        }
    }

    /// A signal has come that asks all of them to end.
    void stop(const siginfo_t& info) {
        stopping_ = true;
        for (const pid_t process : ours()) {
            asked_.insert(process);
            // A terminal's Ctrl-C has gone to the whole group already.
            if (info.si_code != SI_KERNEL) ::kill(process, info.si_signo);
        }
    }

    [[nodiscard]] bool is_over() const { return ended_ && (!stopping_ || nobody_left_); }
    [[nodiscard]] int exit_code() const {
        const bool was_stopped = stopping_ && WIFSIGNALED(*ended_);
        return was_stopped && last_exit_ >= 0 ? last_exit_ : exit_code_of(*ended_);
    }

private:
    const pid_t command_;
    bool stopping_ = false;
    bool nobody_left_ = false;
    std::optional<int> ended_;  // the command's status
    std::set<pid_t> asked_;     // to end, by a signal; a host's own processes are not among them
    int last_exit_ = -1;        // of those that then ended by themselves; -1: none did
};

}  // namespace

int run_as_init(const std::vector<std::string>& command) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t awaited;
    sigset_t before;
    ::sigemptyset(&awaited);
    for (const int signal : kPassedOn) ::sigaddset(&awaited, signal);
    ::sigaddset(&awaited, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &awaited, &before);

    const pid_t child = ::fork();
    if (child < 0) {
        std::cerr << "svchost init: cannot start a process: "
                  << std::generic_category().message(errno) << '\n';
        return 126;
    }
    if (child == 0) {
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        become(command);
    }
    ::prctl(PR_SET_NAME, kInit);
    Family family(child);
    while (!family.is_over()) {
        siginfo_t info{};
        const int signal = ::sigwaitinfo(&awaited, &info);
        if (signal > 0 && signal != SIGCHLD) family.stop(info);
        family.reap();
    }
    return family.exit_code();
}

}  // namespace rococo::svchost
