/* SPDX-License-Identifier: MIT */
/* A service as version 1.0.0 built them: sends each message of a batch on, then settles it by its
 * body. */
#include <stdbool.h>
#include <string.h>

#include "abi_of_1_0.h"

static void ignore(void* report_to, rococo_string reason) {
    (void)report_to;
    (void)reason;
}

static void* create(void* report_to, void (*report)(void*, rococo_string)) {
    static int token;
    (void)report_to;
    (void)report;
    return &token;
}

static void process(void* instance, const rococo_call* call, const rococo_message* messages,
                    size_t count) {
    (void)instance;
    for (size_t i = 0; i < count; ++i) {
        const rococo_message* message = &messages[i];
        rococo_outgoing copy;
        memset(&copy, 0, sizeof copy);
        copy.struct_size = sizeof copy;
        copy.queue = message->queue;
        copy.body = message->body;
        copy.id = message->id;
        copy.headers = message->headers;
        copy.header_count = message->header_count;
        const bool sent = call->send(call->self, &copy, NULL, &ignore);
        const rococo_string error = {sent ? "sent" : "not sent", sent ? 4 : 8};
        call->settle(call->self, i, message->body.size > 3 ? ROCOCO_PERMANENT : ROCOCO_FAILED, 0,
                     error);
    }
}

static void destroy(void* instance) { (void)instance; }

static void attach(const rococo_host* host) { (void)host; }

__attribute__((visibility("default"))) const rococo_service* rococo_service_descriptor(void);

const rococo_service* rococo_service_descriptor(void) {
    static const rococo_processor processor = {.struct_size = sizeof(rococo_processor),
                                               .type = "OldServiceProcessor",
                                               .module = "service_of_1_0.processor",
                                               .kind = ROCOCO_BATCHES,
                                               .create = &create,
                                               .process = &process,
                                               .destroy = &destroy};
    static const rococo_processor* const processors[] = {&processor};
    static const rococo_service service = {.abi_version = ROCOCO_ABI_VERSION,
                                           .struct_size = sizeof(rococo_service),
                                           .package = "service_of_1_0",
                                           .version = "1.0.0",
                                           .sdk_version = "1.0.0",
                                           .processors = processors,
                                           .processor_count = 1,
                                           .attach = &attach};
    return &service;
}
