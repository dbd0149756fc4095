/* SPDX-License-Identifier: MIT */
#ifndef ROCOCO_ABI_H
#define ROCOCO_ABI_H

/*
 * The boundary between svchost and a service: plain C, so that the two need not be built by the
 * same compiler, standard library or release. A service is a shared library that exports one
 * symbol, `rococo_service_descriptor`. No C++ object, exception or allocation crosses it. A pointer
 * may be read only during the call that passes it; copy what you need later.
 *
 * A struct that may grow begins with its size in bytes. A reader may use a member only if that size
 * covers it. New members are only ever added at the end; any other change increments
 * ROCOCO_ABI_VERSION. Structs stored in arrays (rococo_header, rococo_message) never grow, because
 * readers step through them with the size they were compiled with.
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

/** Bytes with a length, not zero-terminated. UTF-8 unless stated otherwise. */
typedef struct rococo_string {
    const char* data;
    size_t size;
} rococo_string;

/** One header of a message. */
typedef struct rococo_header {
    rococo_string name;
    rococo_string value;
} rococo_header;

/** A message being processed. Valid until `process` returns. Messages are stored in an array, so
 * this struct never grows; further properties are in rococo_properties. */
typedef struct rococo_message {
    size_t struct_size;
    rococo_string body; /**< any bytes */
    rococo_string id;   /**< empty if the sender set none */
    rococo_string queue;
    rococo_string content_type;
    rococo_string correlation_id;
    const rococo_header* headers;
    size_t header_count;
    int64_t sent_at_us; /**< microseconds since the epoch; 0 if unknown */
    uint32_t attempt;   /**< starts at 1 */
} rococo_message;

/** A priority: the message has none. */
#define ROCOCO_NO_PRIORITY (-1)

/** Further properties of a message; since 1.1. Strings are empty if the sender set none. Valid
 * until `process` returns. */
typedef struct rococo_properties {
    size_t struct_size;
    rococo_string content_encoding;
    rococo_string reply_to;
    rococo_string type;
    rococo_string app_id;
    int32_t priority; /**< 0 to 255, or ROCOCO_NO_PRIORITY */
    bool redelivered; /**< delivered before and returned unsettled */
} rococo_properties;

/** A message to be sent by a processor. */
typedef struct rococo_outgoing {
    size_t struct_size;
    rococo_string queue;
    rococo_string body;
    rococo_string id; /**< if empty, the host generates one */
    rococo_string content_type;
    rococo_string correlation_id;
    const rococo_header* headers;
    size_t header_count;
    /* Since 1.1: */
    rococo_string content_encoding;
    rococo_string reply_to;
    rococo_string type;
    rococo_string app_id;
    int32_t priority; /**< 0 to 255, or ROCOCO_NO_PRIORITY */
} rococo_outgoing;

/** What a processor did with a message. */
typedef enum rococo_outcome {
    ROCOCO_OK = 0,          /**< acknowledge */
    ROCOCO_FAILED = 1,      /**< try again with the host's backoff */
    ROCOCO_RETRY_AFTER = 2, /**< try again after the given time */
    ROCOCO_PERMANENT = 3    /**< dead-letter at once */
} rococo_outcome;

/** As an index: every message of the call that is not settled yet. */
#define ROCOCO_REST SIZE_MAX

/** Values of a log line's level. */
typedef enum rococo_log_level {
    ROCOCO_LOG_DEBUG = 0,
    ROCOCO_LOG_INFO = 1,
    ROCOCO_LOG_WARNING = 2,
    ROCOCO_LOG_ERROR = 3,
    ROCOCO_LOG_CRITICAL = 4
} rococo_log_level;

/** Host functions that may be called at any time, from any thread. Valid for the life of the
 * process. */
typedef struct rococo_host {
    size_t struct_size;
    void* self;
    bool (*log_enabled)(void* self, int level);
    void (*log_write)(void* self, int level, const char* file, unsigned line, const char* text,
                      size_t text_size);
} rococo_host;

/**
 * Host functions for one call of `process`. They may be called from any thread until that call
 * returns.
 */
typedef struct rococo_call {
    size_t struct_size;
    void* self;

    /** Settles message `index` of this call or, with ROCOCO_REST, every message that is not settled
     * yet. Settling a message again replaces the earlier outcome. Messages left unsettled when the
     * call returns count as ROCOCO_OK. `delay_us` is used for ROCOCO_RETRY_AFTER, `error` (copied)
     * for everything except ROCOCO_OK. A cron run is settled with ROCOCO_REST. */
    void (*settle)(void* self, size_t index, int outcome, int64_t delay_us, rococo_string error);

    /** Sends a message and returns once it is safe in the queue. Returns false on failure, after
     * calling `report` once with the reason. */
    bool (*send)(void* self, const rococo_outgoing* message, void* report_to,
                 void (*report)(void* report_to, rococo_string reason));

    /** Whether to stop early: the host is draining and its time is nearly over, or the deadline has
     * passed. */
    bool (*cancelled)(void* self);

    /** Microseconds left until PROCESS_TIMEOUT; INT64_MAX if there is none. May be negative. */
    int64_t (*time_left_us)(void* self);

    uint32_t attempt;        /**< of the message or run; 1 for a batch */
    int64_t scheduled_at_us; /**< when the cron run was due, in microseconds since the epoch; 0
                                for messages */

    /* Since 1.1: */
    /** One for each message of the call, in the same order. */
    const rococo_properties* const* properties;

    /* Since 1.2: */
    rococo_string queue_prefix; /**< QUEUE_NAME_PREFIX; may be empty */
} rococo_call;

/** What a processor handles. */
typedef enum rococo_processor_kind {
    ROCOCO_MESSAGES = 0, /**< one message per call */
    ROCOCO_BATCHES = 1,  /**< one or more messages per call */
    ROCOCO_CRON = 2      /**< none: called on a schedule */
} rococo_processor_kind;

/** How to create, call and destroy a processor. Each instance is used by one thread at a time. */
typedef struct rococo_processor {
    size_t struct_size;
    const char* type;   /**< class name without namespaces: `ChildLoggingServiceProcessor` */
    const char* module; /**< `service_example.processor` */
    int kind;           /**< rococo_processor_kind */

    /** Creates an instance. Returns NULL on failure, after calling `report` once with the reason.
     */
    void* (*create)(void* report_to, void (*report)(void* report_to, rococo_string reason));
    /** Handles the messages (none for a cron processor). Never throws. */
    void (*process)(void* instance, const rococo_call* call, const rococo_message* messages,
                    size_t count);
    void (*destroy)(void* instance);
} rococo_processor;

/** Describes a service library. Its first two members never change, in any version. */
typedef struct rococo_service {
    uint32_t abi_version; /**< ROCOCO_ABI_VERSION of the SDK that it was built with */
    size_t struct_size;
    const char* package;     /**< `service_example` */
    const char* version;     /**< the service's own */
    const char* sdk_version; /**< version of the SDK that it was built with */
    const rococo_processor* const* processors;
    size_t processor_count;
    /** Called once, before any processor is created, to pass in the host's functions. */
    void (*attach)(const rococo_host* host);
} rococo_service;

#define ROCOCO_SERVICE_DESCRIPTOR "rococo_service_descriptor"

/** The only symbol that a service exports. The descriptor lives as long as the library. */
typedef const rococo_service* (*rococo_service_descriptor_function)(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(modernize-*) */

#endif
