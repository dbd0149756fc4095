// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo_svchost/observability/histogram.hpp"

/// What is known of a running host at one moment: the one source of `/metrics`, of the page and of
/// `svchost status`, so that they never disagree.
namespace rococo::svchost {

using Microseconds = std::chrono::microseconds;

/// Who the host is: does not change while it runs.
struct HostIdentity {
    std::string service;     ///< The processor's type: `OrderServiceProcessor`.
    std::string language;    ///< `library`, `python`, `command` or `lines`.
    bool scheduled = false;  ///< It works on a schedule, not on a queue.
    std::string instance;    ///< Names this host among its replicas: host name and process id.
    std::string version;     ///< `1.2.0`.
    std::string commit;      ///< Of the host's source; may be empty.
    int process = 0;         ///< Its id.
    SystemTime started_at{};
    std::string queue;   ///< Empty for a schedule.
    std::string system;  ///< As OpenTelemetry names it: `rabbitmq`, `aws_sqs`, `sqlite`; or empty.
    std::string endpoint;  ///< For display, without secrets.
    std::size_t workers = 0;
};

/// How far the host is.
enum class HostPhase { starting, running, draining };

/// How the connection to the queue fares; nothing for a schedule.
struct ConnectionFacts {
    std::string state;   ///< `connecting`, `consuming`, `paused`, `blocked` or `lost`.
    std::string reason;  ///< Empty where there is nothing to say.
    SystemTime since{};
    std::uint64_t reconnects = 0;  ///< How often it was there again after it was lost.
};

/// How many messages the queue has, as it said last. What a queue cannot tell is empty.
struct QueueDepth {
    std::optional<std::uint64_t> ready;    ///< Wait to be received.
    std::optional<std::uint64_t> in_hand;  ///< Received and not settled, by all hosts.
    std::optional<std::uint64_t> retry;    ///< Wait for a retry.
    std::optional<std::uint64_t> dead_letters;
    SystemTime at{};  ///< When the queue said so.
};

/// A pause that is in force.
struct PauseFacts {
    std::string reason;  ///< What the operator gave; may be empty.
    std::string by;      ///< `api`, `signal`, `PAUSED`, `consume file`.
    SystemTime since{};
    std::optional<SystemTime> until{};  ///< Empty: until `resume`.
};

/// Messages whose verdict is safe in the queue, by what became of them and why.
struct SettledCount {
    std::string outcome;  ///< `ack`, `retry`, `dead_letter`, `dropped`, `released`.
    std::string reason;  ///< `ok`, `error`, `permanent`, `retry_after`, `max_attempts`, `crash`, …
    std::uint64_t count = 0;
};

/// What was counted since the host started.
struct MessageCounts {
    std::uint64_t consumed = 0;  ///< Handed to workers.
    std::vector<SettledCount> settled{};
    std::uint64_t lost = 0;  ///< Processed, but the queue had taken them back.
    std::uint64_t process_timeouts = 0;
    std::uint64_t crashes = 0;  ///< Of processes of processors.
    Microseconds busy{};        ///< Time in `process`, all workers together.
    /// Time of one call for each message, by error type (`""` for success, `error`, `permanent`,
    /// `retry_after`, `timeout`).
    std::map<std::string, Histogram> process_duration{};
    Histogram queue_time{};  ///< From sent to the first start; first attempts only.
    Histogram end_to_end{};  ///< From sent to acknowledged.
};

/// Sends by the service.
struct SendCounts {
    std::map<std::string, std::uint64_t> sent{};  ///< By destination.
    std::uint64_t failed = 0;
    Histogram duration{};  ///< Until confirmed.
};

/// What is in hand now.
struct InHandCounts {
    std::size_t waiting = 0;  ///< For a worker.
    std::size_t processing = 0;
    std::size_t settling = 0;  ///< Their verdict is not safe yet.
    std::size_t busy_workers = 0;
    Microseconds oldest{};     ///< How long the oldest call runs.
    std::size_t prefetch = 0;  ///< The most that may be in hand; 0 for a schedule.
};

/// A schedule and its runs.
struct ScheduleFacts {
    struct Run {
        SystemTime due;
        SystemTime started_at{};  ///< The epoch: skipped.
        Microseconds duration{};
        std::uint32_t attempt = 1;
        std::string outcome;  ///< `ok`, `retry`, `failed`, `skipped`, `running`.
        std::string detail;   ///< The error, or why it was skipped.
    };
    std::string expression;   ///< As configured.
    std::string explanation;  ///< In words.
    std::string zone;
    std::vector<SystemTime> next{};  ///< The next due times, up to five.
    std::deque<Run> last{};       ///< Newest first, up to fifty; those that are running in front.
    std::optional<bool> leads{};  ///< Empty: no election.
    std::map<std::string, std::uint64_t> runs{};     ///< By outcome.
    std::map<std::string, std::uint64_t> skipped{};  ///< By reason.
    Histogram duration{};
    Histogram lateness{};       ///< From due to started.
    SystemTime last_run{};      ///< Started; the epoch: none yet.
    SystemTime last_success{};  ///< Ended; the epoch: none yet.
};

/// The process itself and its children.
struct ProcessFacts {
    Microseconds cpu{};             ///< User and system, this process.
    std::uint64_t resident = 0;     ///< Bytes.
    std::uint64_t descriptors = 0;  ///< Open ones.
    std::uint64_t children = 0;     ///< Processes of processors that run.
    Microseconds children_cpu{};
    std::uint64_t children_resident = 0;
};

/// All of it.
struct HostFacts {
    HostIdentity identity;
    HostPhase phase = HostPhase::starting;
    SystemTime now{};
    bool ready = false;                ///< `/readyz`.
    bool live = true;                  ///< `/livez`.
    std::vector<std::string> remarks;  ///< Why it is not ready, or not live; one sentence each.
    std::optional<ConnectionFacts> connection;
    std::optional<QueueDepth> depth;
    std::optional<PauseFacts> paused;
    MessageCounts messages;
    SendCounts sends;
    InHandCounts in_hand;
    std::optional<ScheduleFacts> schedule;
    ProcessFacts process;
};

/// One message that a worker has, or the first of a call's.
struct InHandMessage {
    std::size_t worker = 0;
    std::string message;       ///< Its name in the log.
    std::size_t messages = 1;  ///< How many the call was given.
    Microseconds running_for{};
    bool overdue = false;  ///< It has passed PROCESS_TIMEOUT.
};

/// A call of `process` that failed.
struct Failure {
    SystemTime at{};
    std::string message;  ///< Its name in the log.
    std::uint32_t attempt = 1;
    std::string outcome;  ///< `retry`, `dead_letter` or `dropped`.
    std::string reason;
    std::string error;
    Microseconds duration{};
    Microseconds retry_after{};
};

}  // namespace rococo::svchost
