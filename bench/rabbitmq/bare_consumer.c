/* SPDX-License-Identifier: MIT */
/* The least that a consumer can do with librabbitmq, in one thread:
 *
 *     bare_consumer PORT QUEUE PREFETCH ACK_EVERY [PATIENCE]
 *
 * ACK_EVERY 1 acknowledges each message; more acknowledges that many at once (`multiple`), and what
 * is left when nothing more has arrived for a millisecond. PATIENCE: with messages in hand, each
 * read waits so many microseconds for more to come. */
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <sys/time.h>

#include "meter.h"

static void check(amqp_rpc_reply_t reply, const char* what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    fprintf(stderr, "bare_consumer: cannot %s\n", what);
    exit(1);
}

int main(int argc, char** argv) {
    if (argc != 5 && argc != 6) return 64;
    const struct timespec reading_patience = {0, argc == 6 ? atol(argv[5]) * 1000 : 0};
    const int ack_every = atoi(argv[4]);
    meter_start();
    amqp_connection_state_t state = amqp_new_connection();
    amqp_socket_t* socket = amqp_tcp_socket_new(state);
    if (amqp_socket_open(socket, "127.0.0.1", atoi(argv[1])) != AMQP_STATUS_OK) return 1;
    check(amqp_login(state, "/", 0, 131072, 60, AMQP_SASL_METHOD_PLAIN, "guest", "guest"),
          "log in");
    amqp_channel_open(state, 1);
    check(amqp_get_rpc_reply(state), "open a channel");
    amqp_basic_qos(state, 1, 0, (uint16_t)atoi(argv[3]), 0);
    check(amqp_get_rpc_reply(state), "set the prefetch");
    amqp_basic_consume(state, 1, amqp_cstring_bytes(argv[2]), amqp_empty_bytes, 0, 0, 0,
                       amqp_empty_table);
    check(amqp_get_rpc_reply(state), "consume");

    uint64_t last_tag = 0;
    int unacknowledged = 0;
    for (;;) {
        amqp_maybe_release_buffers(state);
        amqp_envelope_t envelope;
        struct timeval patience = {0, 1000};
        if (argc == 6 && unacknowledged > 0 && !amqp_frames_enqueued(state) &&
            !amqp_data_in_buffer(state))
            nanosleep(&reading_patience, NULL);
        const amqp_rpc_reply_t reply =
            amqp_consume_message(state, &envelope, unacknowledged > 0 ? &patience : NULL, 0);
        if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
            reply.library_error == AMQP_STATUS_TIMEOUT) {
            amqp_basic_ack(state, 1, last_tag, 1);
            unacknowledged = 0;
            continue;
        }
        check(reply, "receive");
        meter_note(envelope.message.body.bytes, envelope.message.body.len);
        last_tag = envelope.delivery_tag;
        amqp_destroy_envelope(&envelope);
        if (++unacknowledged < ack_every) continue;
        amqp_basic_ack(state, 1, last_tag, ack_every > 1);
        unacknowledged = 0;
    }
}
