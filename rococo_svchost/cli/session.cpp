// SPDX-License-Identifier: MIT
#include "session.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "rococo/base/random.hpp"
#include "rococo/base/try.hpp"
#include "rococo/configuration/suggestion.hpp"
#include "rococo_svchost/host/load_service.hpp"
#include "rococo_svchost/host/process.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

/// A person reads what adapters log, so it looks like everything else that commands say.
constexpr Logger::Sink kToTerminal{
    .self = nullptr,
    .enabled = [](void*, int level) { return level >= static_cast<int>(LogLevel::warning); },
    .write =
        [](void*, int, const char*, unsigned, const char* text, std::size_t size) {
            print_warning({text, size});
        }};

}  // namespace

Result<void> write_file(const std::filesystem::path& path, std::string_view text) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    errno = 0;
    std::ofstream file(path);
    file << text;
    file.close();
    if (file) return {};
    return failure(ErrorKind::unavailable,
                   fmt::format("cannot write {}: {}", path.string(),
                               error ? error.message() : std::strerror(errno)));
}

Result<Configuration> load_configuration(const std::filesystem::path& folder) {
    // Checked before anything is created: with a mistyped folder, a new queue would be created
    // there.
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        return failure(ErrorKind::usage, std::filesystem::exists(folder, error)
                                             ? folder.string() + " is not a folder"
                                             : "there is no folder " + folder.string());
    }
    auto configuration = Configuration::load(process_environment(), folder);
    apply_process_zone(configuration);  // before the log's first line
    return configuration;
}

Result<Configuration> load_sound_configuration(const std::filesystem::path& folder) {
    auto configuration = load_configuration(folder);
    if (!configuration || configuration->errors().empty()) return configuration;
    std::string all;
    for (const Error& error : configuration->errors())
        all += (all.empty() ? "" : "\n") + error.message;
    return failure(ErrorKind::configuration, all);
}

Result<std::unique_ptr<Session>> open_session(const std::filesystem::path& folder) {
    auto session = std::make_unique<Session>();
    ROCOCO_ASSIGN_OR_RETURN(session->configuration, load_sound_configuration(folder));
    ROCOCO_ASSIGN_OR_RETURN(
        session->queue_kind,
        make_queue_kind({session->configuration, session->clock, Logger(&kToTerminal),
                         machine_random(), Patience::person}));
    return session;
}

std::vector<std::string> configured_queues(const Configuration& configuration) {
    std::vector<std::string> names;
    for (const Setting& setting : configuration.settings()) {
        if (setting.option->is_pattern() && setting.name.ends_with("_QUEUE_NAME") &&
            !setting.value.empty())
            names.push_back(configuration.text("QUEUE_NAME_PREFIX") + setting.value);
    }
    return names;
}

std::string similar_queue(const Session& session, const std::string& queue) {
    auto names = configured_queues(session.configuration);
    if (const auto known = session.queue_kind->queues(); known && *known)
        names.insert(names.end(), (**known).begin(), (**known).end());
    std::erase(names, queue);  // in the settings, but not made yet
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    return did_you_mean(queue, candidates);
}

Result<std::string> service_queue(const Session& session) {
    const Configuration& configuration = session.configuration;
    if (configuration.text("EXECUTION_TYPE") == "CRON") {
        return failure(ErrorKind::usage,
                       fmt::format("this service runs on a schedule (EXECUTION_TYPE=CRON, {}) and "
                                   "has no queue; name the queue",
                                   configuration.find("EXECUTION_TYPE")->origin));
    }
    const auto loaded = load_service(configuration);
    if (!loaded) {
        return failure(
            loaded.error().kind,
            "which queue? Name it, or call from a service's folder: " + loaded.error().message);
    }
    return configuration.queue_name(loaded->processor.type);
}

}  // namespace rococo::svchost::cli
