/* SPDX-License-Identifier: MIT */
/* The boundary as version 1.0.0 had it, unchanged for ever: services that were built with it must
 * go on working. */
#ifndef ROCOCO_ABI_H
#define ROCOCO_ABI_H

/*
 * The boundary between svchost and a service: plain C, so that the two need not be built by the
 * same compiler, standard library or release. A service is a shared library that exports one
 * symbol, `rococo_service_descriptor`. No C++ object, exception or allocation crosses: whoever
 * receives a pointer may read it during the call and no longer, and copies what it keeps.
 *
 * A struct that may grow begins with its size in bytes. A reader uses a member only if the size
 * that the writer stated covers it. Members are only ever added at the end; anything else raises
 * ROCOCO_ABI_VERSION.
 *
 * People write services with <rococo/service.hpp>; this header is for the host, and for SDKs in
 * other languages.
 */

/* NOLINTBEGIN(modernize-*): it is C. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ROCOCO_ABI_VERSION 1u

/** Bytes with a size; not terminated by zero, UTF-8 unless said otherwise. */
typedef struct rococo_string {
    const char* data;
    size_t size;
} rococo_string;

/** One header of a message. */
typedef struct rococo_header {
    rococo_string name;
    rococo_string value;
} rococo_header;

/** A message in hand. Valid until `process` returns. */
typedef struct rococo_message {
    size_t struct_size;
    rococo_string body; /**< any bytes */
    rococo_string id;   /**< empty where the sender gave none */
    rococo_string queue;
    rococo_string content_type;
    rococo_string correlation_id;
    const rococo_header* headers;
    size_t header_count;
    int64_t sent_at_us; /**< microseconds since the epoch; 0 where nobody knows */
    uint32_t attempt;   /**< 1 at first */
} rococo_message;

/** A message to be sent by a processor. */
typedef struct rococo_outgoing {
    size_t struct_size;
    rococo_string queue;
    rococo_string body;
    rococo_string id; /**< empty: the host makes one */
    rococo_string content_type;
    rococo_string correlation_id;
    const rococo_header* headers;
    size_t header_count;
} rococo_outgoing;

/** What a processor did with a message. */
typedef enum rococo_outcome {
    ROCOCO_OK = 0,          /**< acknowledge */
    ROCOCO_FAILED = 1,      /**< try again with the host's backoff */
    ROCOCO_RETRY_AFTER = 2, /**< try again after the given time */
    ROCOCO_PERMANENT = 3    /**< dead-letter at once */
} rococo_outcome;

/** As an index: every message of the call without a settlement. */
#define ROCOCO_REST SIZE_MAX

/** Values of a log line's level. */
typedef enum rococo_log_level {
    ROCOCO_LOG_DEBUG = 0,
    ROCOCO_LOG_INFO = 1,
    ROCOCO_LOG_WARNING = 2,
    ROCOCO_LOG_ERROR = 3,
    ROCOCO_LOG_CRITICAL = 4
} rococo_log_level;

/** What the host does for a service at any time, from any thread. Lives as long as the process. */
typedef struct rococo_host {
    size_t struct_size;
    void* self;
    bool (*log_enabled)(void* self, int level);
    void (*log_write)(void* self, int level, const char* file, unsigned line, const char* text,
                      size_t text_size);
} rococo_host;

/**
 * What the host does for a processor during one call of `process`. Valid until that call returns;
 * its functions may be called from any thread until then.
 */
typedef struct rococo_call {
    size_t struct_size;
    void* self;

    /** Settles message `index` of this call, or with ROCOCO_REST every message that has no
     * settlement yet; a later settlement of the same message replaces an earlier one. What is not
     * settled when the call returns counts as ROCOCO_OK. `delay_us` matters for ROCOCO_RETRY_AFTER,
     * `error` (copied) for all but ROCOCO_OK. A cron run is settled with ROCOCO_REST. */
    void (*settle)(void* self, size_t index, int outcome, int64_t delay_us, rococo_string error);

    /** Sends a message and returns once it is safe in the queue. False on failure; then `report`
     * was called once with the reason, during this call. */
    bool (*send)(void* self, const rococo_outgoing* message, void* report_to,
                 void (*report)(void* report_to, rococo_string reason));

    /** Whether the work should end early: the host drains and its time is nearly over, or the
     * deadline has passed. */
    bool (*cancelled)(void* self);

    /** Microseconds left until PROCESS_TIMEOUT; INT64_MAX where there is none. May be negative. */
    int64_t (*time_left_us)(void* self);

    uint32_t attempt;        /**< of the message or the run; of a batch: 1 */
    int64_t scheduled_at_us; /**< the time that a cron run was due, microseconds since the epoch; 0
                                for messages */
} rococo_call;

/** What a processor handles. */
typedef enum rococo_processor_kind {
    ROCOCO_MESSAGES = 0, /**< one message a call */
    ROCOCO_BATCHES = 1,  /**< one or more messages a call */
    ROCOCO_CRON = 2      /**< none: called on a schedule */
} rococo_processor_kind;

/** A processor: how to make one, call it, and unmake it. Each instance is used by one thread at a
 * time. */
typedef struct rococo_processor {
    size_t struct_size;
    const char* type;   /**< class name without namespaces: `ChildLoggingServiceProcessor` */
    const char* module; /**< `service_example.processor` */
    int kind;           /**< rococo_processor_kind */

    /** Makes an instance; NULL on failure, then `report` was called once with the reason, during
     * this call. */
    void* (*create)(void* report_to, void (*report)(void* report_to, rococo_string reason));
    /** Handles the messages (none for a cron processor). Never throws. */
    void (*process)(void* instance, const rococo_call* call, const rococo_message* messages,
                    size_t count);
    void (*destroy)(void* instance);
} rococo_processor;

/** What a service library is. Its first two members never change, in any version. */
typedef struct rococo_service {
    uint32_t abi_version; /**< ROCOCO_ABI_VERSION of the SDK that it was built with */
    size_t struct_size;
    const char* package;     /**< `service_example` */
    const char* version;     /**< the service's own */
    const char* sdk_version; /**< version of the SDK that it was built with */
    const rococo_processor* const* processors;
    size_t processor_count;
    /** Called once, before any processor is made: hands the host's functions over. */
    void (*attach)(const rococo_host* host);
} rococo_service;

#define ROCOCO_SERVICE_DESCRIPTOR "rococo_service_descriptor"

/** The one symbol that a service exports. The descriptor lives as long as the library. */
typedef const rococo_service* (*rococo_service_descriptor_function)(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*) */

#endif
