// SPDX-License-Identifier: MIT
// Keeps the books for the tests that count messages: appends a line to the file LEDGER_LOG when it
// begins a message and when it is done with it, and fails in whatever way the message asks for:
//
//     {"id": "17", "do": "throw"}
//
// `do`: `throw`, `permanent`, `retry-after:MS` (once), `always-after:MS`, `abort`, `segv`,
// `overflow` (of the stack), `exit:CODE`, `_exit:CODE`, `terminate`, `allocate:MB`, `keep:MB`,
// `sleep:MS`, `fail-after:MS`, `until:FILE` (waits until there is such a file), `log:LINES`,
// `send:QUEUE`. A line: `begin|done ID ATTEMPT PID MICROSECONDS`, written with one call, so that
// lines of several processes do not mix.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <rococo/json.hpp>
#include <rococo/service.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

class Ledger {
public:
    Ledger() {
        const char* path = std::getenv("LEDGER_LOG");
        if (path == nullptr) throw std::runtime_error("LEDGER_LOG is not set");
        fd_ = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd_ < 0) throw std::runtime_error("cannot open LEDGER_LOG");
    }
    ~Ledger() { ::close(fd_); }
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    void write(std::string_view event, const std::string& id, unsigned attempt) const {
        const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::system_clock::now().time_since_epoch());
        const std::string line =
            fmt::format("{} {} {} {} {}\n", event, id, attempt, ::getpid(), now.count());
        if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
            throw std::runtime_error("cannot write to LEDGER_LOG");
        }
    }

private:
    int fd_ = -1;
};

}  // namespace

class LedgerServiceProcessor : public rococo::messaging::BaseServiceProcessor {
public:
    void process(const rococo::messaging::Message& message) override {
        const rococo::Json json = rococo::json(message);
        const std::string id = json.at("id").get<std::string>();
        ledger_.write("begin", id, message.attempt());
        obey(json.value("do", ""), message);
        ledger_.write("done", id, message.attempt());
    }

private:
    void obey(const std::string& order, const rococo::messaging::Message& message) {
        const std::size_t colon = order.find(':');
        const std::string verb = order.substr(0, colon);
        const std::string argument = colon == std::string::npos ? "" : order.substr(colon + 1);
        if (verb == "throw") throw std::runtime_error("as the message asked");
        if (verb == "permanent") throw rococo::PermanentError("permanently, as asked");
        if (verb == "abort") std::abort();
        if (verb == "segv") ::raise(SIGSEGV);
        if (verb == "overflow") overflow_ = overflow(1);
        if (verb == "exit") std::exit(argument.empty() ? 3 : std::stoi(argument));
        if (verb == "_exit") ::_exit(std::stoi(argument));
        if (verb == "terminate") std::terminate();
        if (verb == "allocate") allocate(std::stoul(argument) << 20U);
        if (verb == "keep") kept_.assign(std::stoul(argument) << 20U, 'x');
        if (verb == "log") log(std::stoi(argument));
        if (verb == "send") context().send_message(argument, message.body());
        if (verb == "sleep") sleep(std::chrono::milliseconds(std::stol(argument)));
        if (verb == "fail-after") {
            sleep(std::chrono::milliseconds(std::stol(argument)));
            throw std::runtime_error("late, as the message asked");
        }
        if (verb == "until") {
            while (::access(argument.c_str(), F_OK) != 0) sleep(std::chrono::milliseconds(5));
        }
        // Only the first time: the second attempt shows that the delay was kept.
        if (verb == "always-after" || (verb == "retry-after" && message.attempt() == 1)) {
            throw rococo::RetryAfter(std::chrono::milliseconds(std::stol(argument)));
        }
    }

    static int overflow(int depth) {
        volatile char frame[1'000] = {};
        frame[0] = static_cast<char>(depth);
        // Deeper than any stack.
        return depth == 1'000'000'000 ? frame[0] : overflow(depth + 1) + frame[0];
    }

    static void allocate(std::size_t bytes) {
        const std::vector<char> memory(bytes, 'x');
        if (memory.back() != 'x') throw std::runtime_error("no memory");
    }

    static void log(int lines) {
        const std::string filling(1'000, '.');
        for (int i = 0; i < lines; ++i) rococo::logger().info("line {} {}", i, filling);
    }

    void sleep(std::chrono::milliseconds duration) {
        const auto end = std::chrono::steady_clock::now() + duration;
        const bool listens = std::getenv("LEDGER_LISTENS") != nullptr;
        while (std::chrono::steady_clock::now() < end) {
            if (listens && context().cancelled()) throw std::runtime_error("cancelled");
            std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(
                std::chrono::milliseconds(5), end - std::chrono::steady_clock::now()));
        }
    }

    Ledger ledger_;
    int overflow_ = 0;
    std::string kept_;
};
ROCOCO_PROCESSOR(LedgerServiceProcessor)
