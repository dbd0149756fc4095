/* SPDX-License-Identifier: MIT */
/* What every consumer of the benchmark does with a message: it counts, and after BENCH_COUNT
 * messages it writes what the process has used since the first one, as JSON, to the file
 * BENCH_RESULT. With BENCH_LATENCY the body's first eight bytes are the monotonic time of sending
 * in nanoseconds, and the result holds the latencies' 50th and 99th percentile.
 *
 * Safe from several threads. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t meter_count, meter_total, meter_first_ns, meter_first_cpu_ns;
static uint64_t* meter_latencies;

static uint64_t meter_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline void meter_start(void) {
    const char* count = getenv("BENCH_COUNT");
    uint64_t total = count != NULL ? strtoull(count, NULL, 10) : 0;
    if (__atomic_exchange_n(&meter_total, total, __ATOMIC_SEQ_CST) != 0) return;
    if (getenv("BENCH_LATENCY") != NULL)
        meter_latencies = (uint64_t*)calloc(total + 1, sizeof(uint64_t));
}

static inline int meter_compare(const void* a, const void* b) {
    const uint64_t x = *(const uint64_t*)a, y = *(const uint64_t*)b;
    return (x > y) - (x < y);
}

static inline void meter_report(void) {
    const uint64_t end_ns = meter_clock(CLOCK_MONOTONIC);
    const uint64_t cpu_ns = meter_clock(CLOCK_PROCESS_CPUTIME_ID) - meter_first_cpu_ns;
    const char* path = getenv("BENCH_RESULT");
    char temporary[4096];
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE* file = fopen(temporary, "w");
    if (file == NULL) return;
    fprintf(file, "{\"first_ns\": %llu, \"end_ns\": %llu, \"cpu_ns\": %llu",
            (unsigned long long)meter_first_ns, (unsigned long long)end_ns,
            (unsigned long long)cpu_ns);
    if (meter_latencies != NULL) {
        qsort(meter_latencies, meter_total, sizeof *meter_latencies, meter_compare);
        fprintf(file, ", \"p50_ns\": %llu, \"p99_ns\": %llu",
                (unsigned long long)meter_latencies[meter_total / 2],
                (unsigned long long)meter_latencies[meter_total * 99 / 100]);
    }
    fprintf(file, "}\n");
    fclose(file);
    rename(temporary, path);
}

static inline void meter_note(const void* body, size_t bytes) {
    const uint64_t number = __atomic_add_fetch(&meter_count, 1, __ATOMIC_ACQ_REL);
    if (number == 1) {
        meter_first_ns = meter_clock(CLOCK_MONOTONIC);
        meter_first_cpu_ns = meter_clock(CLOCK_PROCESS_CPUTIME_ID);
    }
    if (meter_latencies != NULL && bytes >= 8 && number <= meter_total) {
        uint64_t sent;
        memcpy(&sent, body, sizeof sent);
        meter_latencies[number - 1] = meter_clock(CLOCK_MONOTONIC) - sent;
    }
    if (number == meter_total) meter_report();
}
