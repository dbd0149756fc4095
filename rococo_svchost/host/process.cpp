// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <system_error>

namespace rococo::svchost {

namespace {

extern "C" void do_nothing(int /*signal*/) {}

void open_standard_descriptors() {
    for (int descriptor = 0; descriptor <= 2; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) == -1 && errno == EBADF) {
            // open() takes the lowest free number, which is this one. Inheritable, as standard
            // streams are.
            // NOLINTNEXTLINE(android-cloexec-open)
            if (::open("/dev/null", O_RDWR) != descriptor) return;
        }
    }
}

/// A handler rather than SIG_IGN, because executed programs inherit SIG_IGN: `yes | head` in a
/// service's script would never end.
void take_as_error(int signal) {
    struct sigaction action {};
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) return;
    action = {};
    action.sa_handler = &do_nothing;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
}

}  // namespace

void prepare_process() {
    open_standard_descriptors();
    take_as_error(SIGPIPE);
    take_as_error(SIGXFSZ);
}

void apply_process_zone(const Configuration& configuration) {
    const std::string& zone = configuration.text("TZ");
    if (zone.empty()) {
        ::unsetenv("TZ");
    } else {
        ::setenv("TZ", zone.c_str(), /*overwrite=*/1);
    }
    ::tzset();
}

bool finish_standard_output() {
    errno = 0;
    if (std::cout.flush()) return true;
    // What failed while it was written, rather than now, has left no error behind; it is told
    // again.
    if (errno == 0) static_cast<void>(::write(STDOUT_FILENO, "\n", 1) == 1);
    const int error = errno;
    pollfd output{STDOUT_FILENO, POLLOUT, 0};
    const bool unread = ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
    if (unread) return true;
    std::cerr << "svchost: cannot write to standard output"
              << (error == 0 ? "" : ": " + std::generic_category().message(error)) << '\n';
    return false;
}

}  // namespace rococo::svchost
