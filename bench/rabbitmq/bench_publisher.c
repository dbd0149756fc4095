/* SPDX-License-Identifier: MIT */
/* Publishes persistent messages for the benchmark, and ends when the broker has confirmed all:
 *
 *     bench_publisher PORT QUEUE COUNT BODY_BYTES|@FILE [PER_SECOND]
 *
 * The body begins with the monotonic time of sending in nanoseconds; that of a file is sent as it
 * is. Without PER_SECOND as fast as the broker takes them. */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include "meter.h"

#define LARGEST_FILE 1048576

static uint64_t confirmed;

/* Reads confirms; waits for more only while more than `ahead` messages are without one. */
static void read_confirms(amqp_connection_state_t state, uint64_t published, uint64_t ahead) {
    for (;;) {
        amqp_frame_t frame;
        struct timeval none = {0, 0};
        const int must_wait = published - confirmed > ahead;
        const int status = amqp_simple_wait_frame_noblock(state, &frame, must_wait ? NULL : &none);
        if (status == AMQP_STATUS_TIMEOUT) return;
        if (status != AMQP_STATUS_OK) exit(1);
        if (frame.frame_type == AMQP_FRAME_METHOD &&
            frame.payload.method.id == AMQP_BASIC_ACK_METHOD)
            confirmed = ((amqp_basic_ack_t*)frame.payload.method.decoded)->delivery_tag;
        amqp_maybe_release_buffers(state);
    }
}

static void wait_until(uint64_t ns) {
    const struct timespec at = {(time_t)(ns / 1000000000U), (long)(ns % 1000000000U)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* The body of a file, or zeros, and its size. */
static char* make_body(const char* argument, size_t* bytes) {
    if (argument[0] != '@') {
        *bytes = strtoull(argument, NULL, 10);
        return calloc(1, *bytes < 8 ? 8 : *bytes);
    }
    FILE* file = fopen(argument + 1, "r");
    char* body = malloc(LARGEST_FILE);
    if (file == NULL || body == NULL) exit(66);
    *bytes = fread(body, 1, LARGEST_FILE, file);
    fclose(file);
    return body;
}

int main(int argc, char** argv) {
    if (argc < 5) return 64;
    const uint64_t count = strtoull(argv[3], NULL, 10);
    const int timed = argv[4][0] != '@';
    size_t bytes;
    char* body = make_body(argv[4], &bytes);
    const uint64_t per_second = argc > 5 ? strtoull(argv[5], NULL, 10) : 0;
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t* socket = amqp_tcp_socket_new(state);
    if (amqp_socket_open(socket, "127.0.0.1", atoi(argv[1])) != AMQP_STATUS_OK) return 1;
    amqp_login(state, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    amqp_channel_open(state, 1);
    amqp_queue_declare(state, 1, amqp_cstring_bytes(argv[2]), 0, 1, 0, 0, amqp_empty_table);
    amqp_confirm_select(state, 1);
    if (amqp_get_rpc_reply(state).reply_type != AMQP_RESPONSE_NORMAL) return 1;

    amqp_basic_properties_t properties;
    memset(&properties, 0, sizeof properties);
    properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties.delivery_mode = 2;
    properties.content_type = amqp_cstring_bytes("application/json");
    const uint64_t began = meter_clock(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < count; ++i) {
        if (per_second > 0) wait_until(began + i * 1000000000U / per_second);
        const uint64_t now = meter_clock(CLOCK_MONOTONIC);
        if (timed) memcpy(body, &now, sizeof now);
        const amqp_bytes_t message = {bytes, body};
        if (amqp_basic_publish(state, 1, amqp_empty_bytes, amqp_cstring_bytes(argv[2]), 0, 0,
                               &properties, message) != AMQP_STATUS_OK)
            return 1;
        if (i % 32 == 0) read_confirms(state, i + 1, 2000);
    }
    while (confirmed < count) read_confirms(state, count, 0);
    return 0;
}
