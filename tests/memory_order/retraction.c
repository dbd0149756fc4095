// SPDX-License-Identifier: MIT
// The page's race, as bare as it is: who begins a message stores that and then reads what is
// retracted; who retracts stores that, makes sure, and then reads what is begun. Should both miss
// the other's store, the message would be processed twice.
//
// `retraction none|wait|barrier ROUNDS` counts how often both did. `none` shows what the machine
// does where nobody makes sure, `wait` waits a millisecond, and `barrier` has the kernel make all
// other running threads pass a barrier (membarrier, after each process has asked to take part). One
// file of C, so that it is easily built for other machines. Exit code 1 where both missed and
// somebody had made sure.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// A cache line each, so that the two get to wait for each other's.
struct word {
    _Alignas(128) uint64_t value;
};

static struct word begun, retracted, round_of_child, round_of_host;
static uint64_t child_saw;
static uint64_t rounds;

// As Python's memoryview: the compiler leaves it one store, and says nothing of order.
static void put(struct word* word, uint64_t value) {
    __atomic_store_n(&word->value, value, __ATOMIC_RELAXED);
}
static uint64_t get(struct word* word) { return __atomic_load_n(&word->value, __ATOMIC_RELAXED); }

static void meet(struct word* mine, struct word* others, uint64_t number) {
    __atomic_store_n(&mine->value, number, __ATOMIC_SEQ_CST);
    for (unsigned spins = 0; __atomic_load_n(&others->value, __ATOMIC_SEQ_CST) < number; ++spins)
        if (spins > 10000) usleep(0);
}

static void dawdle(uint64_t* state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    for (volatile unsigned i = (unsigned)(*state >> 58); i > 0; --i) {
    }
}

static void* child(void* unused) {
    uint64_t state = 1;
    for (uint64_t number = 1; number <= rounds; ++number) {
        meet(&round_of_child, &round_of_host, 2 * number - 1);
        dawdle(&state);
        put(&begun, number);
        child_saw = get(&retracted);
        meet(&round_of_child, &round_of_host, 2 * number);
    }
    return unused;
}

static long membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0); }

static void make_sure(const char* how) {
    if (strcmp(how, "wait") == 0) {
        const struct timespec time = {.tv_nsec = 1000000};
        nanosleep(&time, NULL);
    } else if (strcmp(how, "barrier") == 0 && membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED) != 0) {
        fprintf(stderr, "membarrier: %s\n", strerror(errno));
        exit(2);
    }
}

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: retraction none|wait|barrier ROUNDS\n");
        return 64;
    }
    rounds = strtoull(argv[2], NULL, 10);
    if (strcmp(argv[1], "barrier") == 0 &&
        membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED) != 0) {
        fprintf(stderr, "membarrier: %s\n", strerror(errno));
        return 2;
    }
    pthread_t thread;
    if (pthread_create(&thread, NULL, child, NULL) != 0) return 2;
    uint64_t state = 2, both_missed = 0;
    for (uint64_t number = 1; number <= rounds; ++number) {
        meet(&round_of_host, &round_of_child, 2 * number - 1);
        dawdle(&state);
        put(&retracted, number);
        make_sure(argv[1]);
        const uint64_t host_saw = get(&begun);
        meet(&round_of_host, &round_of_child, 2 * number);
        both_missed += host_saw < number && child_saw < number;
    }
    pthread_join(thread, NULL);
    printf("%s: both missed the other in %llu of %llu rounds\n", argv[1],
           (unsigned long long)both_missed, (unsigned long long)rounds);
    return both_missed > 0 && strcmp(argv[1], "none") != 0;
}
