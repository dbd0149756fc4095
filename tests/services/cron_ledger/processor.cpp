// SPDX-License-Identifier: MIT
// Writes what the host calls it for, and when, to the file LEDGER_LOG, one line each way:
// `begin|end DUE_US PID NOW_US ATTEMPT`. CRON_DO says what each run does: `throw`,
// `throw-first` (the first attempt only), `sleep:MS`, or `wait:MS` (the same, but it ends when the
// host asks it to).
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <rococo/service.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace {

std::int64_t microseconds(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::string_view variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

/// One write(2) to a file opened with O_APPEND: lines of several processes do not mix.
void write_line(std::string_view event, const rococo::Context& context) {
    const std::string line =
        fmt::format("{} {} {} {} {}\n", event,
                    context.scheduled_at() ? microseconds(*context.scheduled_at()) : 0, ::getpid(),
                    microseconds(std::chrono::system_clock::now()), context.attempt());
    const int file = ::open(std::string(variable("LEDGER_LOG")).c_str(),
                            O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0 || ::write(file, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        throw std::runtime_error("cannot write to LEDGER_LOG");
    }
    ::close(file);
}

void sleep_until_asked(const rococo::Context& context, std::chrono::milliseconds most,
                       bool listens) {
    const auto end = std::chrono::steady_clock::now() + most;
    while (std::chrono::steady_clock::now() < end && !(listens && context.cancelled())) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

}  // namespace

class CronLedger {
public:
    void process(rococo::Context& context) {
        const std::string_view what = variable("CRON_DO");
        write_line("begin", context);
        if (what == "throw" || (what == "throw-first" && context.attempt() == 1)) {
            throw std::runtime_error("told to throw");
        }
        const bool listens = what.starts_with("wait:");
        if (listens || what.starts_with("sleep:")) {
            const std::string time(what.substr(what.find(':') + 1));
            sleep_until_asked(context, std::chrono::milliseconds(std::stol(time)), listens);
        }
        write_line("end", context);
    }
};
ROCOCO_PROCESSOR(CronLedger)
