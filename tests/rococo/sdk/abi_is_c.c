/* SPDX-License-Identifier: MIT */
/* The boundary's header as an SDK in another language sees it: plain C. What the numbers are is
 * part of the ABI, so a change of one fails here before it surprises a service that was built
 * before. */
#include <rococo/abi.h>

_Static_assert(ROCOCO_ABI_VERSION == 1, "a new version needs new numbers here");

_Static_assert(offsetof(rococo_service, abi_version) == 0, "never changes, in any version");
_Static_assert(offsetof(rococo_service, struct_size) == sizeof(size_t),
               "never changes, in any version");

_Static_assert(ROCOCO_OK == 0 && ROCOCO_FAILED == 1 && ROCOCO_RETRY_AFTER == 2 &&
                   ROCOCO_PERMANENT == 3,
               "outcomes");
_Static_assert(ROCOCO_MESSAGES == 0 && ROCOCO_BATCHES == 1 && ROCOCO_CRON == 2, "kinds");
_Static_assert(ROCOCO_LOG_DEBUG == 0 && ROCOCO_LOG_CRITICAL == 4, "levels");

/* What a service of version 1 was compiled with, on a 64-bit machine: members are only ever added
 * at the end. */
#if UINTPTR_MAX == 0xFFFFFFFFFFFFFFFFu
_Static_assert(offsetof(rococo_message, sent_at_us) == 104, "rococo_message");
_Static_assert(offsetof(rococo_message, attempt) == 112, "rococo_message");
_Static_assert(sizeof(rococo_message) == 120, "services step over an array of them");
_Static_assert(sizeof(rococo_header) == 32, "services step over an array of them");
_Static_assert(offsetof(rococo_outgoing, header_count) == 96, "rococo_outgoing");
_Static_assert(offsetof(rococo_call, scheduled_at_us) == 56, "rococo_call");
/* Since 1.1. */
_Static_assert(offsetof(rococo_call, properties) == 64, "rococo_call");
_Static_assert(offsetof(rococo_outgoing, content_encoding) == 104, "rococo_outgoing");
_Static_assert(offsetof(rococo_outgoing, priority) == 168, "rococo_outgoing");
_Static_assert(offsetof(rococo_properties, priority) == 72, "rococo_properties");
_Static_assert(offsetof(rococo_properties, redelivered) == 76, "rococo_properties");
_Static_assert(offsetof(rococo_processor, destroy) == 48, "rococo_processor");
_Static_assert(offsetof(rococo_service, attach) == 56, "rococo_service");
_Static_assert(offsetof(rococo_host, log_write) == 24, "rococo_host");
#endif

/* A processor written in C, called by abi_test.cpp. */
static int instances = 0;

int rococo_c_instances(void);
int rococo_c_instances(void) { return instances; }

static void* create(void* report_to, void (*report)(void*, rococo_string)) {
    static int token;
    (void)report_to;
    (void)report;
    ++instances;
    return &token;
}

static void process(void* instance, const rococo_call* call, const rococo_message* messages,
                    size_t count) {
    const rococo_string error = {"too long", 8};
    (void)instance;
    for (size_t i = 0; i < count; ++i) {
        if (messages[i].body.size > 3) call->settle(call->self, i, ROCOCO_PERMANENT, 0, error);
    }
}

static void destroy(void* instance) {
    (void)instance;
    --instances;
}

extern const rococo_processor rococo_c_processor;
const rococo_processor rococo_c_processor = {.struct_size = sizeof(rococo_processor),
                                             .type = "CProcessor",
                                             .module = "c.processor",
                                             .kind = ROCOCO_BATCHES,
                                             .create = &create,
                                             .process = &process,
                                             .destroy = &destroy};
