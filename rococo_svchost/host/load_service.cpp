// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/load_service.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "queue_kinds.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/host/host.hpp"
#include "rococo_svchost/processors/child_service.hpp"
#include "rococo_svchost/processors/library_service.hpp"
#include "rococo_svchost/processors/library_worker.hpp"
#include "rococo_svchost/processors/processor_choice.hpp"
#include "rococo_svchost/processors/program_service.hpp"
#include "rococo_svchost/processors/python_search.hpp"

namespace rococo::svchost {

namespace {

/// Puts what processes of processors say into the host's log.
class LogOfChildren final : public ChildLog {
public:
    explicit LogOfChildren(HostLog* log) : log_(log) {}

    void log(std::string_view level, std::string_view module, unsigned line,
             std::string_view text) override {
        if (log_ != nullptr) log_->log_lines(log_level(level), module, line, text);
    }
    void pass_on(std::string_view stream, std::string_view line) override {
        if (log_ != nullptr) log_->pass_on(stream, line);
    }

private:
    HostLog* const log_;
};

ChildLimits limits_of(const Configuration& configuration) {
    return {.messages = static_cast<std::uint64_t>(configuration.integer("PROCESSOR_MAX_MESSAGES")),
            .memory = configuration.size("PROCESSOR_MAX_MEMORY")};
}

Work work_of(const Configuration& configuration) {
    return configuration.text("EXECUTION_TYPE") == "CRON" ? Work::schedule : Work::messages;
}

/// The broker by which processors may send, if it is RabbitMQ. What is wrong with its settings is
/// said where the queue is opened.
std::optional<ChildBroker> own_broker(const Configuration& configuration) {
    if (configuration.text("MESSAGING_TYPE") != "RabbitMqConnection") return std::nullopt;
    const auto settings = rabbitmq_settings(configuration);
    if (!settings) return std::nullopt;
    const auto addresses = messaging::rabbitmq_addresses(*settings);
    if (!addresses || addresses->empty()) return std::nullopt;
    std::string hosts;
    for (const auto& [host, port] : *addresses) {
        const bool is_ipv6 = host.find(':') != std::string::npos;
        hosts += fmt::format("{}{}:{}", hosts.empty() ? "" : ",",
                             is_ipv6 ? fmt::format("[{}]", host) : host, port);
    }
    return ChildBroker{.host = std::move(hosts),
                       .port = addresses->front().port,
                       .virtual_host = settings->virtual_host,
                       .user = settings->user};
}

/// A service whose processes run this.
Result<LoadedService> load_in_processes(const Configuration& configuration, HostLog* log,
                                        std::string language, std::string executable,
                                        std::vector<std::string> arguments,
                                        std::vector<std::string> environment) {
    LoadedService loaded;
    loaded.language = std::move(language);
    loaded.child_log = std::make_unique<LogOfChildren>(log);
    ROCOCO_ASSIGN_OR_RETURN(
        auto service,
        ChildService::load({.executable = std::move(executable),
                            .arguments = std::move(arguments),
                            .environment = std::move(environment),
                            .folder = std::filesystem::absolute(configuration.folder()),
                            .work = work_of(configuration),
                            .module = configuration.text("PROCESSOR_MODULE"),
                            .type = configuration.text("PROCESSOR_TYPE"),
                            .path = configuration.text("PROCESSOR_PATH"),
                            .log_level = configuration.text("LOG_LEVEL"),
                            .host_version = std::string(version()),
                            .queue_prefix = configuration.text("QUEUE_NAME_PREFIX"),
                            .rabbitmq = own_broker(configuration),
                            .state_folder = configuration.path("STATE_DIR"),
                            .start_timeout = std::chrono::duration_cast<std::chrono::milliseconds>(
                                configuration.duration("PROCESSOR_START_TIMEOUT")),
                            .process_timeout = configuration.duration("PROCESS_TIMEOUT"),
                            .limits = limits_of(configuration)},
                           *loaded.child_log));
    loaded.processor = service->processors().front();
    loaded.notes = service->notes();
    loaded.service = std::move(service);
    return loaded;
}

Result<LoadedService> load_library(const Configuration& configuration, HostLog* log) {
    const std::string& module = configuration.text("PROCESSOR_MODULE");
    ROCOCO_ASSIGN_OR_RETURN(const auto path,
                            find_service_library(configuration.folder(),
                                                 configuration.path("SERVICE_LIBRARY"), module));
    if (configuration.text("PROCESSOR_ISOLATION") == "process") {
        // This very program, also where another version has taken its place on the disk.
        return load_in_processes(configuration, log, "library", "/proc/self/exe",
                                 {"svchost", std::string(kWorkerCommand), path.string()}, {});
    }
    LoadedService loaded;
    loaded.language = "library";
    ROCOCO_ASSIGN_OR_RETURN(loaded.service, LibraryService::load(path));
    ROCOCO_ASSIGN_OR_RETURN(auto chosen,
                            choose_processor(*loaded.service, work_of(configuration), module,
                                             configuration.text("PROCESSOR_TYPE")));
    loaded.processor = std::move(chosen.processor);
    loaded.notes = std::move(chosen.notes);
    return loaded;
}

Result<LoadedService> load_python(const Configuration& configuration, HostLog* log) {
    ROCOCO_ASSIGN_OR_RETURN(
        const Python python,
        find_python(configuration.folder(), configuration.path("PROCESSOR_PYTHON")));
    return load_in_processes(configuration, log, "python", python.interpreter.string(),
                             {python.interpreter.string(), python.worker.string()},
                             {"ROCOCO_FDS=3,4,5"});
}

Result<LoadedService> load_program(const Configuration& configuration, HostLog* log,
                                   ProgramSettings::Kind kind) {
    LoadedService loaded;
    loaded.language = kind == ProgramSettings::Kind::command ? "command" : "lines";
    loaded.child_log = std::make_unique<LogOfChildren>(log);
    ROCOCO_ASSIGN_OR_RETURN(
        loaded.service,
        ProgramService::load({.kind = kind,
                              .folder = std::filesystem::absolute(configuration.folder()),
                              .command = configuration.text("PROCESSOR_COMMAND"),
                              .exit_codes = configuration.text("PROCESSOR_EXIT_CODES"),
                              .type = configuration.text("PROCESSOR_TYPE"),
                              .work = work_of(configuration),
                              .state_folder = configuration.path("STATE_DIR"),
                              .process_timeout = configuration.duration("PROCESS_TIMEOUT"),
                              .limits = limits_of(configuration)},
                             *loaded.child_log));
    loaded.processor = loaded.service->processors().front();
    return loaded;
}

/// The kind that PROCESSOR_KIND names, or that the other variables do: `auto` is what is found.
Result<std::string> chosen_kind(const Configuration& configuration) {
    const std::string& kind = configuration.text("PROCESSOR_KIND");
    const bool has_command = configuration.has("PROCESSOR_COMMAND");
    const bool is_program = kind == "command" || kind == "lines";
    if (is_program && !has_command)
        return failure(ErrorKind::configuration,
                       "PROCESSOR_KIND=" + kind +
                           " needs PROCESSOR_COMMAND: the program and its arguments, such as "
                           "PROCESSOR_COMMAND=./processor.sh");
    if (kind != "auto" && !(kind == "python" && configuration.is_set("SERVICE_LIBRARY")))
        return kind;
    if (has_command && configuration.is_set("SERVICE_LIBRARY"))
        return failure(ErrorKind::configuration,
                       "PROCESSOR_COMMAND and SERVICE_LIBRARY name a processor each: choose with "
                       "PROCESSOR_KIND=command or PROCESSOR_KIND=library");
    if (configuration.is_set("SERVICE_LIBRARY")) return "library";
    return has_command ? "command" : "auto";
}

}  // namespace

Result<LoadedService> load_service(const Configuration& configuration, HostLog* log) {
    ROCOCO_ASSIGN_OR_RETURN(const std::string kind, chosen_kind(configuration));
    if (kind == "command") return load_program(configuration, log, ProgramSettings::Kind::command);
    if (kind == "lines") return load_program(configuration, log, ProgramSettings::Kind::lines);
    if (kind == "library") return load_library(configuration, log);
    if (kind == "python") return load_python(configuration, log);
    if (!is_python_service(configuration.folder(), configuration.text("PROCESSOR_MODULE")))
        return load_library(configuration, log);
    if (!has_service_library(configuration.folder())) return load_python(configuration, log);
    return failure(ErrorKind::configuration,
                   "the service's folder holds a processor in Python and a library: choose with "
                   "PROCESSOR_KIND=python or PROCESSOR_KIND=library");
}

}  // namespace rococo::svchost
