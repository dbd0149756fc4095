// SPDX-License-Identifier: MIT
#include "rococo/base/failpoint.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

namespace rococo {

namespace {

constexpr int kBadFailpoint = 78;  // EX_CONFIG

[[noreturn]] void refuse(std::string_view what, std::string_view why) {
    std::cerr << "ROCOCO_FAILPOINTS: " << what << ": " << why << std::endl;
    ::_exit(kBadFailpoint);
}

/// One `name=action` from the environment.
struct Armed {
    enum class Action { kill, stop, exit, sleep, touch };

    std::string name;
    Action action = Action::kill;
    int number = 0;    // the exit code, or milliseconds
    std::string path;  // of the file to create
    long only_at = 0;  // acts only on this pass; 0: on every pass
    std::atomic<long> passed = 0;
};

template <typename T>
bool parse_number(std::string_view text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 0;
}

void parse_action(std::string_view text, Armed& armed) {
    const std::string_view whole = text;
    // A path may itself contain an @, so only a number after the last one counts.
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
        if (parse_number(text.substr(at + 1), armed.only_at)) text = text.substr(0, at);
    }
    const auto colon = text.find(':');
    const std::string_view word = text.substr(0, colon);
    const std::string_view argument = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    using Action = Armed::Action;
    if (text == "kill") {
        armed.action = Action::kill;
    } else if (text == "stop") {
        armed.action = Action::stop;
    } else if (word == "exit" && parse_number(argument, armed.number)) {
        armed.action = Action::exit;
    } else if (word == "sleep" && parse_number(argument, armed.number)) {
        armed.action = Action::sleep;
    } else if (word == "touch" && !argument.empty()) {
        armed.action = Action::touch;
        armed.path = argument;
    } else {
        refuse(whole, "expected kill, stop, exit:CODE, sleep:MILLISECONDS or touch:PATH, and @K");
    }
}

std::deque<Armed> read_environment() {
    std::deque<Armed> all;
    const char* const text = std::getenv("ROCOCO_FAILPOINTS");
    std::string_view rest = text == nullptr ? "" : text;
    while (!rest.empty()) {
        const std::string_view entry = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
        if (entry.empty()) continue;
        const auto equals = entry.find('=');
        if (equals == std::string_view::npos || equals == 0) refuse(entry, "expected NAME=ACTION");
        Armed& armed = all.emplace_back();
        armed.name = entry.substr(0, equals);
        parse_action(entry.substr(equals + 1), armed);
    }
    return all;
}

void touch(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) refuse(path, std::strerror(errno));
    ::close(fd);
}

void act(const Armed& armed) {
    switch (armed.action) {
        case Armed::Action::kill:
            ::kill(::getpid(), SIGKILL);
            break;
        case Armed::Action::stop:
            ::kill(::getpid(), SIGSTOP);
            break;
        case Armed::Action::exit:
            ::_exit(armed.number);
        case Armed::Action::sleep:
            std::this_thread::sleep_for(std::chrono::milliseconds(armed.number));
            break;
        case Armed::Action::touch:
            touch(armed.path);
    }
}

}  // namespace

void pass_failpoint(const char* name) noexcept {
    // Never destroyed, because threads may still reach a failpoint while the process exits.
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without memory the test may fail
    static auto& all = *new std::deque<Armed>(read_environment());
    for (Armed& armed : all) {
        if (armed.name != name) continue;
        const long passing = ++armed.passed;
        if (armed.only_at == 0 || armed.only_at == passing) act(armed);
    }
}

}  // namespace rococo
