// SPDX-License-Identifier: MIT
#include "doorbell.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

bool Doorbell::watch(const std::filesystem::path& path) {
    inotify_ = FileDescriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify_.is_open()) return false;
    if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_CLOSE_WRITE) >= 0) return true;
    stop_watching();
    return false;
}

void Doorbell::stop_watching() { inotify_ = FileDescriptor(); }

Doorbell::Heard Doorbell::wait(std::chrono::nanoseconds time, bool listen_to_news) {
    using std::chrono::duration_cast;
    const bool polls = listen_to_news && !inotify_.is_open() && time > kPollWithoutInotify;
    if (polls) time = kPollWithoutInotify;
    if (!event_.begin_wait()) time = {};
    time = std::max(time, std::chrono::nanoseconds::zero());
    const auto seconds = duration_cast<std::chrono::seconds>(time);
    const timespec limit{seconds.count(), static_cast<long>((time - seconds).count())};

    std::array<pollfd, 2> sources{pollfd{event_.fd(), POLLIN, 0},
                                  pollfd{inotify_.get(), POLLIN, 0}};
    const nfds_t count = listen_to_news && inotify_.is_open() ? 2 : 1;
    const int ready = ::ppoll(sources.data(), count, &limit, nullptr);
    const bool stirred = ready > 0 && (sources[0].revents & POLLIN) != 0;
    event_.end_wait(stirred);
    if (event_.take()) return Heard::wake;
    if (ready < 0 || stirred) return Heard::news;  // A signal: look around and come back.
    if (ready == 0) return polls ? Heard::news : Heard::nothing;
    drain(inotify_.get());
    return Heard::news;
}

}  // namespace rococo::messaging::sqlite
