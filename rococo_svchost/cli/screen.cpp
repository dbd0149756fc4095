// SPDX-License-Identifier: MIT
#include "screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "rococo/base/wake_event.hpp"

namespace rococo::svchost::cli {

namespace {

// The alternate screen keeps what the shell's lines show.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
constexpr std::array kCrashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

constexpr std::size_t kHandled = kEnding.size() + kCrashes.size() + 2;

// Globals, because signal handlers take no user data.
termios shell_mode{};
std::array<std::pair<int, struct sigaction>, kHandled> before{};
std::atomic<int> ending_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

WakeEvent& wake_event() {
    static WakeEvent event;
    return event;
}

/// Async-signal-safe. A terminal that is gone needs nothing.
void write_terminal(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && errno != EINTR) return;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

/// Keys without Enter and unseen, but Ctrl-C and Ctrl-Z as signals still.
void enter_terminal() {
    termios mode = shell_mode;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &mode);
    write_terminal(kEnter);
}

/// Async-signal-safe.
void leave_terminal() {
    write_terminal(kLeave);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &shell_mode);
}

struct sigaction handle(int signal, void (*handler)(int), int flags = 0) {
    struct sigaction action {};
    struct sigaction previous {};
    action.sa_handler = handler;
    action.sa_flags = flags;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, &previous);
    return previous;
}

/// Ends or stops the process as the signal would have without a handler.
void raise_default(int signal) {
    handle(signal, SIG_DFL);
    sigset_t only{};
    ::sigemptyset(&only);
    ::sigaddset(&only, signal);
    ::raise(signal);
    ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

extern "C" void on_screen_ending(int signal) {
    ending_signal = signal;
    wake_event().notify();
}

extern "C" void on_screen_resized(int /*signal*/) { wake_event().notify(); }

extern "C" void on_screen_crash(int signal) {
    leave_terminal();
    raise_default(signal);
}

extern "C" void on_screen_stop(int signal) {
    const int saved_errno = errno;
    leave_terminal();
    raise_default(signal);  // returns when the shell continues us
    handle(SIGTSTP, &on_screen_stop);
    enter_terminal();
    wake_event().notify();
    errno = saved_errno;
}

}  // namespace

bool Screen::is_possible() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1; }

Screen::Screen() {
    ::tcgetattr(STDIN_FILENO, &shell_mode);
    ending_signal = 0;
    (void)wake_event();  // made here, not in a signal handler
    auto* next = before.begin();
    const auto take = [&next](int signal, void (*handler)(int), int flags) {
        *next++ = {signal, handle(signal, handler, flags)};
    };
    for (const int signal : kEnding) take(signal, &on_screen_ending, 0);
    for (const int signal : kCrashes)
        take(signal, &on_screen_crash, static_cast<int>(SA_RESETHAND));
    take(SIGWINCH, &on_screen_resized, 0);
    take(SIGTSTP, &on_screen_stop, 0);
    enter_terminal();
}

Screen::~Screen() {
    leave_terminal();
    for (const auto& [signal, action] : before) ::sigaction(signal, &action, nullptr);
}

Screen::Size Screen::size() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return {};
    return {.rows = size.ws_row, .columns = size.ws_col};
}

void Screen::draw(std::string_view lines) const {
    // Each line is overwritten and its rest cleared, which flickers less than an empty screen.
    std::string text = "\x1b[H";
    for (const char c : lines) {
        if (c == '\n') text += "\x1b[K\r";
        text += c;
    }
    write_terminal(text + "\x1b[K\x1b[J");
}

Screen::Event Screen::wait(std::chrono::milliseconds time) const {
    WakeEvent& wake = wake_event();
    std::array<pollfd, 2> polled{{{STDIN_FILENO, POLLIN, 0}, {wake.fd(), POLLIN, 0}}};
    const bool may_wait = wake.begin_wait();
    const int ready =
        ::poll(polled.data(), polled.size(), may_wait ? static_cast<int>(time.count()) : 0);
    wake.end_wait(ready > 0 && polled[1].revents != 0);
    (void)wake.take();
    if (const int signal = ending_signal; signal != 0) return {.key = {}, .signal = signal};
    if (ready <= 0 || polled[0].revents == 0) return {};
    char key = 0;
    const ssize_t count = ::read(STDIN_FILENO, &key, 1);
    // The terminal is gone, which is what SIGHUP says.
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
        return {.key = {}, .signal = SIGHUP};
    return {.key = count == 1 ? std::optional(key) : std::nullopt, .signal = 0};
}

}  // namespace rococo::svchost::cli
