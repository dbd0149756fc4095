// SPDX-License-Identifier: MIT
#include "doorbell.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <ctime>

namespace rococo::messaging::sqlite {
namespace {

constexpr std::chrono::milliseconds kPollWithoutInotify{10};

void drain(int descriptor) {
    std::array<char, 4096> bytes;
    while (::read(descriptor, bytes.data(), bytes.size()) > 0) {
    }
}

}  // namespace

Doorbell::Doorbell() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

bool Doorbell::watch(const std::filesystem::path& path) {
    inotify_ = Descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_.valid()) return false;
    if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_CLOSE_WRITE) >= 0) return true;
    stop_watching();
    return false;
}

void Doorbell::stop_watching() { inotify_ = Descriptor(); }

Doorbell::Heard Doorbell::wait(std::chrono::nanoseconds time, bool listen_to_news) {
    using std::chrono::duration_cast;
    const bool polls = listen_to_news && !inotify_.valid() && time > kPollWithoutInotify;
    if (polls) time = kPollWithoutInotify;
    time = std::max(time, std::chrono::nanoseconds::zero());
    const auto seconds = duration_cast<std::chrono::seconds>(time);
    const timespec limit{seconds.count(), static_cast<long>((time - seconds).count())};

    std::array<pollfd, 2> sources{pollfd{event_.get(), POLLIN, 0},
                                  pollfd{inotify_.get(), POLLIN, 0}};
    const nfds_t count = listen_to_news && inotify_.valid() ? 2 : 1;
    const int ready = ::ppoll(sources.data(), count, &limit, nullptr);
    if (ready < 0) return Heard::news;  // A signal: look around and come back.
    if (ready == 0) return polls ? Heard::news : Heard::nothing;
    if ((sources[0].revents & POLLIN) != 0) {
        drain(event_.get());
        return Heard::wake;
    }
    drain(inotify_.get());
    return Heard::news;
}

void Doorbell::wake() noexcept {
    // Only `write`, so that a signal handler may call it, which must not see another errno either.
    const int kept = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(event_.get(), &one, sizeof one);
    errno = kept;
}

}  // namespace rococo::messaging::sqlite
