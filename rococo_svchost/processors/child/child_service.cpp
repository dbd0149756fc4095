// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/child_service.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "child_processor.hpp"
#include "rococo/base/try.hpp"
#include "running_child.hpp"

namespace rococo::svchost {

using child::ChildPage;
using child::ChildProcessor;
using child::RunningChild;
using Json = nlohmann::json;

namespace {

std::string hello(const ChildSettings& settings) {
    Json said{{"protocol", child::kProtocol},
              {"host", settings.host_version},
              {"work", settings.work == Work::schedule ? "schedule" : "messages"},
              {"folder", settings.folder.string()},
              {"module", settings.module},
              {"type", settings.type},
              {"path", settings.path},
              {"log_level", settings.log_level},
              {"queue_prefix", settings.queue_prefix},
              {"process_timeout_us", settings.process_timeout.count()}};
    if (const auto& broker = settings.rabbitmq) {
        said["rabbitmq"] = {{"host", broker->host},
                            {"port", broker->port},
                            {"virtual_host", broker->virtual_host},
                            {"user", broker->user}};
    }
    return said.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

/// What the first process said, and that process, until an instance is made in it.
struct ChildService::State {
    State(ChildSettings its_settings, ChildLog& its_log, ChildPage its_page)
        : settings(std::move(its_settings)),
          log(its_log),
          page(std::make_unique<ChildPage>(std::move(its_page))) {}

    const ChildSettings settings;
    ChildLog& log;
    std::string package;
    std::string version;
    std::string sdk_version;
    std::vector<ProcessorInfo> processors;
    std::vector<std::string> notes;
    std::unique_ptr<ChildPage> page;
    std::unique_ptr<RunningChild> first;  // uses the page

    /// A process that has loaded the service; what it says about itself into `ready`.
    [[nodiscard]] Result<std::unique_ptr<RunningChild>> start(ChildPage& on,
                                                              std::string& ready) const {
        ROCOCO_ASSIGN_OR_RETURN(
            auto child,
            RunningChild::start({settings.executable, settings.arguments, settings.environment}, on,
                                log));
        ROCOCO_ASSIGN_OR_RETURN(ready, child->ask(child::Order::hello, hello(settings),
                                                  child::Report::ready, settings.start_timeout));
        return child;
    }

    /// Keeps what the first process says about itself.
    void learn(const std::string& text) {
        const Json ready = Json::parse(text);
        if (ready.value("protocol", 0) != child::kProtocol)
            throw std::runtime_error(
                fmt::format("it does not speak protocol {}", child::kProtocol));
        const std::string kind = ready.value("kind", "messages");
        package = ready.value("package", "");
        version = ready.value("version", "");
        if (version.empty()) version = "unknown";
        sdk_version =
            ready.value("sdk", fmt::format("{}, rococo {}", ready.value("interpreter", "unknown"),
                                           ready.value("rococo", "none")));
        processors = {{.type = ready.value("type", ""),
                       .module = ready.value("module", ""),
                       .work = kind == "schedule" ? Work::schedule : Work::messages,
                       .takes_batches = kind == "batches",
                       .takes_windows = kind == "messages"}};
        notes = ready.value("notes", std::vector<std::string>());
    }
};

Result<std::unique_ptr<ChildService>> ChildService::load(ChildSettings settings, ChildLog& log) {
    ROCOCO_ASSIGN_OR_RETURN(auto page, ChildPage::make(settings.state_folder));
    auto state = std::make_shared<State>(std::move(settings), log, std::move(page));
    std::string ready;
    ROCOCO_ASSIGN_OR_RETURN(state->first, state->start(*state->page, ready));
    try {
        state->learn(ready);
    } catch (const std::exception& error) {
        return failure(ErrorKind::service,
                       fmt::format("{}: {}", state->settings.executable, error.what()));
    }
    return std::unique_ptr<ChildService>(new ChildService(std::move(state)));
}

ChildService::ChildService(std::shared_ptr<State> state) : state_(std::move(state)) {}
ChildService::~ChildService() = default;

const std::filesystem::path& ChildService::path() const { return state_->settings.folder; }
std::string_view ChildService::package() const { return state_->package; }
std::string_view ChildService::version() const { return state_->version; }
std::string_view ChildService::sdk_version() const { return state_->sdk_version; }
const std::vector<ProcessorInfo>& ChildService::processors() const { return state_->processors; }
const std::vector<std::string>& ChildService::notes() const { return state_->notes; }

/// Makes a processor for each worker, the first in the process that loaded the service.
class ChildService::Factory final : public ProcessorFactory {
public:
    Factory(std::shared_ptr<State> state, HostServices host)
        : starter_(std::make_shared<Starter>(std::move(state), std::move(host))) {}

    Result<std::unique_ptr<Processor>> create() override {
        State& state = *starter_->state;
        const HostServices& host = starter_->host;
        ROCOCO_ASSIGN_OR_RETURN(auto page, take_page());
        ROCOCO_ASSIGN_OR_RETURN(auto child, state.first
                                                ? starter_->begin_work(std::move(state.first))
                                                : starter_->start(*page));
        ROCOCO_TRY(child::LifeLimits::check(state.settings.limits, child->process()));
        if (host.keep_page) host.keep_page(created_, page->descriptor());
        ++created_;
        return std::make_unique<ChildProcessor>(
            ChildProcessor::Settings{.process_timeout = state.settings.process_timeout,
                                     .batches = state.processors.front().takes_batches,
                                     .limits = state.settings.limits},
            [starter = starter_](ChildPage& on) { return starter->start(on); }, std::move(page),
            std::move(child), host.clock, Logger(&host.log), host.on_broken, host.on_crash);
    }

private:
    /// Starts processes as long as there are processors.
    struct Starter {
        Starter(std::shared_ptr<State> its_state, HostServices its_host)
            : state(std::move(its_state)), host(std::move(its_host)) {}

        [[nodiscard]] Result<std::unique_ptr<RunningChild>> start(ChildPage& on) const {
            std::string ready;
            ROCOCO_ASSIGN_OR_RETURN(auto child, state->start(on, ready));
            return begin_work(std::move(child));
        }
        [[nodiscard]] Result<std::unique_ptr<RunningChild>> begin_work(
            std::unique_ptr<RunningChild> child) const {
            child->output().send_by(host.sender);
            ROCOCO_TRY(child->ask(child::Order::start, "{}", child::Report::started,
                                  state->settings.start_timeout));
            return child;
        }

        const std::shared_ptr<State> state;
        const HostServices host;
    };

    Result<std::unique_ptr<ChildPage>> take_page() {
        State& state = *starter_->state;
        if (state.first) return std::move(state.page);
        ROCOCO_ASSIGN_OR_RETURN(auto page, ChildPage::make(state.settings.state_folder));
        return std::make_unique<ChildPage>(std::move(page));
    }

    const std::shared_ptr<Starter> starter_;
    std::size_t created_ = 0;
};

std::unique_ptr<ProcessorFactory> ChildService::factory(const ProcessorInfo& /*processor*/,
                                                        HostServices host) const {
    return std::make_unique<Factory>(state_, std::move(host));
}

}  // namespace rococo::svchost
