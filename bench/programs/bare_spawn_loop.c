/* SPDX-License-Identifier: MIT
 * What a process for each message costs without a host: spawns a program so many times, one after
 * the other, with a body on its standard input and its output on pipes that are read to their end,
 * as any consumer must.
 *
 *   bare_spawn_loop COUNT BODY_BYTES PROGRAM [ARGUMENT…]
 *
 * Prints the programs a second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char** environ;

static void fail(const char* what) {
    perror(what);
    exit(1);
}

/* Reads both pipes until both are closed. */
static void read_to_the_end(const int pipes[2]) {
    struct pollfd watched[2] = {{pipes[0], POLLIN, 0}, {pipes[1], POLLIN, 0}};
    int open = 2;
    while (open > 0) {
        if (poll(watched, 2, -1) < 0) fail("poll");
        for (int i = 0; i < 2; ++i) {
            char buffer[16384];
            if (watched[i].revents == 0) continue;
            if (read(watched[i].fd, buffer, sizeof buffer) > 0) continue;
            watched[i].fd = -1;
            --open;
        }
    }
}

static void run_once(char* const* command, const char* body, size_t size) {
    int output[2], errors[2];
    const int input = memfd_create("body", MFD_CLOEXEC);
    if (input < 0 || pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) fail("pipe");
    if (write(input, body, size) != (ssize_t)size || lseek(input, 0, SEEK_SET) != 0) fail("write");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    posix_spawn_file_actions_adddup2(&actions, errors[1], 2);
    pid_t child = 0;
    const int error = posix_spawn(&child, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
        errno = error;
        fail(command[0]);
    }
    close(input);
    close(output[1]);
    close(errors[1]);
    read_to_the_end((const int[2]){output[0], errors[0]});
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0) fail("the program");
    close(output[0]);
    close(errors[0]);
}

int main(int argc, char** argv) {
    if (argc < 4) return 64;
    const long count = atol(argv[1]);
    const size_t size = (size_t)atol(argv[2]);
    char* const body = calloc(1, size + 1);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long i = 0; i < count; ++i) run_once(argv + 3, body, size);
    clock_gettime(CLOCK_MONOTONIC, &end);
    free(body);
    const double seconds =
        (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("%.1f\n", (double)count / seconds);
    return 0;
}
