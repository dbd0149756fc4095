// SPDX-License-Identifier: MIT
#include "option_rows.hpp"

namespace rococo::option_rows {
namespace {

constexpr std::array kGeneral = {
    original(choice("EXECUTION_TYPE", "MESSAGING", "MESSAGING|CRON",
                    "Whether the service processes messages from a queue or runs on a schedule.")),
    original(choice("MESSAGING_TYPE", "SqliteConnection",
                    "RabbitMqConnection|SqsConnection|SqliteConnection",
                    "The kind of queue: RabbitMQ, AWS SQS, or the embedded queue, which needs no "
                    "broker but is limited to one machine.")),
    original(text("PROCESSOR_MODULE",
                  "The module that holds the processor, such as `service_example.processor`. "
                  "Needed only if the service has several processors. If it has one, a value that "
                  "matches no module is ignored with a warning.")),
    original(text("PROCESSOR_TYPE",
                  "The processor's type, such as `ChildLoggingServiceProcessor`. Needed only if "
                  "the service has several processors. If it has one, a value that does not match "
                  "it is ignored with a warning.")),
    choice(
        "PROCESSOR_KIND", "auto", "auto|library|python|command|lines",
        "What the processor is: a shared library in C++, a class in Python, a program that is run "
        "for each message (`command`), or one that runs on and speaks lines of JSON (`lines`). "
        "`auto` is `command` if `PROCESSOR_COMMAND` is set; else it looks at what is in the "
        "service's folder."),
    text("PROCESSOR_COMMAND",
         "The program and its arguments, for `command` and `lines`. It is split as a shell does, "
         "with "
         "quotes and backslashes, but nothing is expanded. A path is relative to the service's "
         "folder; a name without a slash is looked for in `PATH`."),
    text(
        "PROCESSOR_EXIT_CODES",
        "What exit codes of a `command` mean, where it is not the usual: "
        "`3=dead-letter,4=retry,5=ack`. Without it, 0 acknowledges the message, 65 makes it a dead "
        "letter, and every other is a failure that is tried again."),
    path("PROCESSOR_PYTHON",
         "The interpreter for a processor in Python. If not set: that of the active virtual "
         "environment (`VIRTUAL_ENV`), of `.venv` in the service's folder, of the environment that "
         "Poetry made for it, or `python3`."),
    text("PROCESSOR_PATH",
         "Folders that Python looks for modules in, before the service's own, separated by `:`."),
    duration("PROCESSOR_START_TIMEOUT", "60s", {kSecond, kHour},
             "How long a processor in a process of its own may take to be imported and made."),
    choice("PROCESSOR_ISOLATION", "thread", "thread|process",
           "Where the processors of a library run: on threads of the host, or each in a process of "
           "its own. Then PROCESS_TIMEOUT kills, and a crash costs one message and not the host. "
           "Processors in Python always have their own."),
    integer(
        "PROCESSOR_MAX_MESSAGES", "0", {0, 1'000'000'000},
        "How many messages a processor's process handles before a new one takes its place, give "
        "or take a tenth. 0: no limit. For processors in processes of their own."),
    size("PROCESSOR_MAX_MEMORY", "0", {0, 16 * kTebibyte},
         "How much memory a processor's process may hold before a new one takes its place, between "
         "two messages. 0: no limit. For processors in processes of their own."),
    path("SERVICE_LIBRARY",
         "The service's shared library. If not set, the host looks in the service's folder, its "
         "build folders and `/usr/local/lib/rococo/services`."),
    original(text("QUEUE_NAME_PREFIX", "Prepended to queue names. May be empty.")),
    original(
        text("<ProcessorType>_QUEUE_NAME",
             "The queue that a processor of this type consumes, without the prefix: "
             "`ChildLoggingServiceProcessor_QUEUE_NAME=orders`. Required for message services.")),
    integer("NUM_THREADS", "1", {1, 1024},
            "How many messages are processed at the same time, each by its own processor object. "
            "With 1, messages are processed in queue order."),
    or_auto(integer("PREFETCH", "auto", {1, 65535},
                    "How many messages the host holds, including those being processed. `auto` "
                    "adapts to the processing time.")),
    or_auto(
        size("PREFETCH_BYTES", "auto", {64 * kKibibyte, kTebibyte},
             "How many bytes of messages the host holds; a single message may exceed this. "
             "`auto` is an eighth of the memory of the container or machine, at most 256 MiB.")),
    integer("BATCH_SIZE", "100", {1, 10000},
            "The largest number of messages that a batch processor gets at once."),
    path("STATE_DIR", ".svchost",
         "The folder for state that must survive a restart: notes on the messages being processed, "
         "and the last runs of schedules, which are kept only if this is set."),
    original(path("CONSUME_CONFIG_FILE_PATH",
                  "A `.env` file that is reread whenever it changes. It may set "
                  "`EXIT_WHEN_FINISHED`, `LISTEN_INTERVAL`, `PAUSED` and `VISIBILITY_TIMEOUT`.")),
    original(flag("EXIT_WHEN_FINISHED",
                  "Exit with 0 once the queue is empty and no message is being processed. The file "
                  "at `CONSUME_CONFIG_FILE_PATH` can override this.")),
    flag("PAUSED",
         "Begin nothing for as long as this is set, though connected and alive: no message is "
         "taken, and no run of a schedule starts. For a whole fleet, set it in the file at "
         "`CONSUME_CONFIG_FILE_PATH`, which is reread; one host is paused with `svchost pause`."),
};

constexpr std::array kReliability = {
    integer("MAX_ATTEMPTS", "5", {1, 1000},
            "How many times a message is tried, including attempts that crash the host, before it "
            "goes to the dead-letter queue."),
    duration(
        "RETRY_DELAY", "1s", {0, kDay},
        "The delay before the second attempt. It doubles with each further attempt, with jitter."),
    duration("RETRY_DELAY_MAX", "15m", {0, 7 * kDay}, "The longest delay between two attempts."),
    choice("ON_FAILURE", "retry", "retry|ack",
           "What happens to a message when processing throws: `retry` tries it again; `ack` logs "
           "the error and drops the message, as the Python original did."),
    duration(
        "PROCESS_TIMEOUT", "0", {0, 7 * kDay},
        "How long one call of `process` may take before it is logged and `context().cancelled()` "
        "becomes true; a processor that has a process of its own is killed then, one on a thread "
        "of the host is not. 0 means no limit: a message is then logged once it has taken a "
        "minute, and again each time that doubles."),
    duration("DRAIN_TIMEOUT", "8s", {0, kDay},
             "How long work in progress may continue after SIGTERM or SIGINT. `docker stop` kills "
             "after 10 s, Kubernetes after 30 s."),
};

constexpr std::array kLogging = {
    choice("LOG_LEVEL", "INFO", "DEBUG|INFO|WARNING|ERROR|CRITICAL",
           "The lowest level that is logged. The host never logs message bodies."),
    choice("LOG_FORMAT", "text", "text|json",
           "`text` is the original's format; `json` writes one JSON object per line."),
};

}  // namespace

std::span<const Option> general() { return kGeneral; }
std::span<const Option> reliability() { return kReliability; }
std::span<const Option> logging() { return kLogging; }

}  // namespace rococo::option_rows
