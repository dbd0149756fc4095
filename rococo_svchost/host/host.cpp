// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/host.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "host_context.hpp"
#include "missing_variables.hpp"
#include "rococo/configuration/consume_config.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "rococo_svchost/host/load_service.hpp"
#include "rococo_svchost/host/schedule.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

namespace rococo::svchost {

namespace {

/// Exports the variables of the `.env` files, so that the service's getenv sees them, as in the
/// original.
void export_environment(const Configuration& configuration) {
    for (const auto& [name, value] : configuration.additional_environment()) {
        ::setenv(name.c_str(), value.c_str(), /*overwrite=*/0);
    }
}

void log_warnings(const Configuration& configuration, const Logger& logger) {
    for (const std::string& warning : configuration.warnings()) logger.warning("{}", warning);
    const std::string& zone = configuration.text("TZ");
    if (configuration.text("EXECUTION_TYPE") != "CRON" && !zone.empty()) {
        // The C library silently falls back to UTC. Only a warning here; for a schedule it is an
        // error, because runs would be at the wrong times.
        if (const auto read = TimeZone::parse(zone); !read)
            logger.warning("TZ={}: log timestamps are in UTC, because {}", zone,
                           read.error().message);
    }
    warn_of_missing_variables(configuration, logger);
}

/// Takes the value, or keeps the error for a report of all of them.
template <typename T>
bool keep(Result<T> result, T& value, std::vector<Error>& errors) {
    if (result) {
        value = std::move(*result);
    } else {
        errors.push_back(result.error());
    }
    return result.has_value();
}

/// Checks that involve more than a single value.
void check_together(const Configuration& configuration, SystemTime now, bool once,
                    std::vector<Error>& errors) {
    if (const auto file = ConsumeConfig::open(configuration); !file) errors.push_back(file.error());
    // A single run needs no schedule.
    if (configuration.text("EXECUTION_TYPE") == "CRON" && !once)
        for (Error& error : schedule_errors(configuration, now)) errors.push_back(std::move(error));
}

/// Makes everything that can be made before anything connects, or reports all that is wrong.
/// Returns what `use` returns, or the exit code.
int with_service(const Configuration& configuration, HostLog& log, const HostOptions& options,
                 Patience patience,
                 int (*use)(const HostContext& context, const std::string& queue)) {
    const Logger logger = log.logger();
    const RealClock clock;
    const SystemdNotifier systemd = SystemdNotifier::from_environment();
    const QueueKindParts parts{configuration, clock, logger, machine_random(), patience};
    log_warnings(configuration, logger);

    std::vector<Error> errors = configuration.errors();
    std::unique_ptr<QueueKind> queue_kind;
    if (errors.empty()) keep(make_queue_kind(parts), queue_kind, errors);
    check_together(configuration, clock.now(), options.once, errors);
    export_environment(configuration);
    LoadedService loaded;
    std::string queue;  // empty for a schedule
    if (keep(load_service(configuration, &log), loaded, errors)) {
        log_service(loaded, logger);
        if (loaded.processor.work == Work::messages)
            keep(configuration.queue_name(loaded.processor.type), queue, errors);
    }
    if (!errors.empty()) return log_failures(logger, errors);
    return use({configuration, options, log, logger, clock, parts.random, *queue_kind,
                *loaded.service, loaded.processor, loaded.language, systemd},
               queue);
}

int run(const HostContext& context, const std::string& queue) {
    const int code = context.processor.work == Work::schedule ? run_schedule(context)
                                                              : run_messaging(context, queue);
    if (messaging::rabbitmq_threads_are_left()) exit_now(context.log, code);
    return code;
}

int check(const HostContext& context, const std::string& queue) {
    if (context.processor.work == Work::schedule) {
        if (const int code = check_schedule(context); code != 0) return code;
    } else {
        const auto adapter = context.queue_kind.adapter(queue);
        const auto checked = adapter->check();
        if (!checked) return log_failure(context.logger, checked.error());
        for (const std::string& note : *checked) context.logger.info("{}", note);
        context.logger.info("Queue {} at {} can be consumed", queue, adapter->endpoint());
    }
    context.logger.info("All is well");
    return 0;
}

}  // namespace

RetryPolicy retry_policy(const Configuration& configuration) {
    return {.max_attempts = static_cast<std::uint32_t>(configuration.integer("MAX_ATTEMPTS")),
            .first_delay = configuration.duration("RETRY_DELAY"),
            .max_delay = configuration.duration("RETRY_DELAY_MAX"),
            .drop_failed = configuration.text("ON_FAILURE") == "ack"};
}

std::unique_ptr<ProcessorFactory> processor_factory(const HostContext& context,
                                                    messaging::MessageSender& sender,
                                                    ProcessorLinks links) {
    return context.service.factory(context.processor,
                                   {.sender = sender,
                                    .clock = context.clock,
                                    .log = context.log.sink(),
                                    .queue_prefix = context.configuration.text("QUEUE_NAME_PREFIX"),
                                    .keep_page = std::move(links.keep_page),
                                    .on_broken = std::move(links.on_broken),
                                    .on_crash = std::move(links.on_crash)});
}

int log_failure(const Logger& logger, const Error& error) {
    std::istringstream lines(error.message);
    for (std::string line; std::getline(lines, line);) logger.critical("{}", line);
    return exit_code(error.kind);
}

int log_failures(const Logger& logger, const std::vector<Error>& errors) {
    for (const Error& error : errors) log_failure(logger, error);
    const auto wrong = std::ranges::find(errors, ErrorKind::configuration, &Error::kind);
    return exit_code(wrong != errors.end() ? wrong->kind : errors.front().kind);
}

void exit_now(HostLog& log, int code) {
    log.flush();
    ::_exit(code);
}

void write_out_log() noexcept { HostLog::flush_any(std::chrono::milliseconds(200)); }

void exit_before_start() noexcept {
    write_out_log();
    ::_exit(0);
}

std::unique_ptr<HostLog> make_log(const Configuration& configuration) {
    return std::make_unique<HostLog>(
        log_level(configuration.text("LOG_LEVEL")),
        configuration.text("LOG_FORMAT") == "json" ? LogFormat::json : LogFormat::text);
}

int run_host(const Configuration& configuration, HostLog& log, const HostOptions& options) {
    log.logger().info("Rococo Service Host Version: {}", version());
    return with_service(configuration, log, options, Patience::service, &run);
}

int check_host(const Configuration& configuration, HostLog& log) {
    return with_service(configuration, log, {}, Patience::person, &check);
}

}  // namespace rococo::svchost
