// SPDX-License-Identifier: MIT
// Preloaded, it sets the wall clock of one process: what CLOCK_REALTIME shows, and what its timers
// wait for, is moved by the microseconds in the file CLOCK_SHIM_FILE. The kernel's report that the
// clock was set (TFD_TIMER_CANCEL_ON_SET) does not come, so a waiting process finds out by itself.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* offset_us;

__attribute__((constructor)) static void map_offset(void) {
    const char* path = getenv("CLOCK_SHIM_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void* mapped = mmap(NULL, sizeof *offset_us, PROT_READ, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) offset_us = mapped;
    close(file);
}

static void add(struct timespec* time, int64_t us) {
    int64_t nanoseconds = time->tv_nsec + us % 1000000 * 1000;
    time->tv_sec += us / 1000000 + nanoseconds / 1000000000;
    time->tv_nsec = nanoseconds % 1000000000;
    if (time->tv_nsec < 0) {
        time->tv_nsec += 1000000000;
        --time->tv_sec;
    }
}

int clock_gettime(clockid_t clock, struct timespec* time) {
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && clock == CLOCK_REALTIME && offset_us) add(time, *offset_us);
    return result;
}

int timerfd_settime(int fd, int flags, const struct itimerspec* value, struct itimerspec* old) {
    struct itimerspec moved = *value;
    if ((flags & TFD_TIMER_ABSTIME) && offset_us) add(&moved.it_value, -*offset_us);
    return (int)syscall(SYS_timerfd_settime, fd, flags, &moved, old);
}
