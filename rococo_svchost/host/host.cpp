// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/host.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "host_context.hpp"

namespace rococo::svchost {

namespace {

LogLevel log_level(const std::string& name) {
    if (name == "DEBUG") return LogLevel::debug;
    if (name == "WARNING") return LogLevel::warning;
    if (name == "ERROR") return LogLevel::error;
    if (name == "CRITICAL") return LogLevel::critical;
    return LogLevel::info;
}

/// Makes what the `.env` files say visible to the service's own getenv, as the original does.
void export_environment(const Configuration& configuration) {
    for (const auto& [name, value] : configuration.additional_environment()) {
        ::setenv(name.c_str(), value.c_str(), /*overwrite=*/0);
    }
}

/// Whether somebody mentions the variable, be it with an empty value.
bool is_mentioned(const Configuration& configuration, const char* name) {
    return std::getenv(name) != nullptr || configuration.additional_environment().contains(name);
}

void log_warnings(const Configuration& configuration, const Logger& logger) {
    for (const std::string& warning : configuration.warnings()) logger.warning("{}", warning);
    const bool messages = configuration.text("EXECUTION_TYPE") != "CRON";
    if (messages && !is_mentioned(configuration, "QUEUE_NAME_PREFIX")) {
        logger.warning("Variable QUEUE_NAME_PREFIX not found.");
    }
    if (messages && !configuration.is_set("MESSAGING_TYPE")) {
        logger.warning(
            "Variable MESSAGING_TYPE not found. Using SqliteConnection, the embedded queue in {}",
            configuration.path("SQLITE_PATH").string());
    }
}

int report(const std::vector<Error>& errors, const Logger& logger) {
    for (const Error& error : errors) log_failure(logger, error);
    const bool configuration = std::any_of(errors.begin(), errors.end(), [](const Error& error) {
        return error.kind == ErrorKind::configuration;
    });
    return exit_code(configuration ? ErrorKind::configuration : errors.front().kind);
}

/// All that can be known before anything connects.
struct Preparation {
    std::vector<Error> errors;
    std::unique_ptr<Messaging> messaging;
    Result<Service> service = failure(ErrorKind::internal, "not loaded");
    std::string queue;  ///< Empty for a schedule.
};

template <typename T>
bool keep_error(const Result<T>& result, std::vector<Error>& errors) {
    if (!result) errors.push_back(result.error());
    return result.has_value();
}

Preparation prepare(const Configuration& configuration, const MessagingParts& parts, HostLog& log) {
    Preparation prepared;
    prepared.errors = configuration.errors();
    if (prepared.errors.empty()) {
        auto made = make_messaging(parts);
        if (keep_error(made, prepared.errors)) prepared.messaging = std::move(*made);
    }
    export_environment(configuration);
    prepared.service = load_service(configuration);
    if (!keep_error(prepared.service, prepared.errors)) return prepared;

    static rococo_host host_functions{};  // lives as long as the process, as services may expect
    const Logger::Sink& sink = log.sink();
    host_functions = {sizeof(rococo_host), sink.self, sink.enabled, sink.write};
    prepared.service->library.attach(host_functions);
    log_service(*prepared.service, parts.logger);
    if (prepared.service->work == Work::messages) {
        auto queue = configuration.queue_name(prepared.service->processor->type);
        if (keep_error(queue, prepared.errors)) prepared.queue = std::move(*queue);
    }
    return prepared;
}

}  // namespace

RetryPolicy retry_policy(const Configuration& configuration) {
    return {.max_attempts = static_cast<std::uint32_t>(configuration.integer("MAX_ATTEMPTS")),
            .first_delay = configuration.duration("RETRY_DELAY"),
            .max_delay = configuration.duration("RETRY_DELAY_MAX"),
            .drop_failed = configuration.text("ON_FAILURE") == "ack"};
}

int log_failure(const Logger& logger, const Error& error) {
    std::string_view rest = error.message;
    while (true) {
        const std::size_t end = rest.find('\n');
        logger.critical("{}", rest.substr(0, end));
        if (end == std::string_view::npos) return exit_code(error.kind);
        rest.remove_prefix(end + 1);
    }
}

void exit_now(HostLog& log, int code) {
    log.flush();
    ::_exit(code);
}

std::unique_ptr<HostLog> make_log(const Configuration& configuration) {
    return std::make_unique<HostLog>(
        log_level(configuration.text("LOG_LEVEL")),
        configuration.text("LOG_FORMAT") == "json" ? LogFormat::json : LogFormat::text);
}

int run_host(const Configuration& configuration, HostLog& log, const HostOptions& options) {
    const Logger logger = log.logger();
    const RealClock clock;
    const MessagingParts parts{configuration, clock, logger, make_random_bits()};

    logger.info("Rococo Service Host Version: {}", version());
    log_warnings(configuration, logger);
    const Preparation prepared = prepare(configuration, parts, log);
    if (!prepared.errors.empty()) return report(prepared.errors, logger);

    const HostContext context{
        configuration,       options,          log, logger, clock, parts.random,
        *prepared.messaging, *prepared.service};
    return prepared.service->work == Work::schedule ? run_schedule(context)
                                                    : run_messaging(context, prepared.queue);
}

int check_host(const Configuration& configuration, HostLog& log) {
    const Logger logger = log.logger();
    const RealClock clock;
    const MessagingParts parts{configuration, clock, logger, make_random_bits()};

    log_warnings(configuration, logger);
    const Preparation prepared = prepare(configuration, parts, log);
    if (!prepared.errors.empty()) return report(prepared.errors, logger);
    if (prepared.service->work == Work::messages) {
        const auto adapter = prepared.messaging->adapter(prepared.queue);
        if (const auto opened = adapter->open(); !opened) return report({opened.error()}, logger);
        logger.info("Queue {} at {} can be consumed", prepared.queue, adapter->endpoint());
        adapter->close();
    }
    logger.info("All is well");
    return 0;
}

}  // namespace rococo::svchost
