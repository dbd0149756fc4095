// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/program_service.hpp"

#include <fmt/format.h>

#include <utility>

#include "child_page.hpp"
#include "command_processor.hpp"
#include "lines_processor.hpp"
#include "message_environment.hpp"
#include "program_search.hpp"
#include "rococo/base/try.hpp"
#include "running_lines.hpp"

namespace rococo::svchost {

namespace {

// A program that cannot run at all ends so soon that no message is blamed for it. One that says
// that it is ready is not waited for so long.
constexpr std::chrono::milliseconds kStart{500};

std::string name_of(const std::filesystem::path& folder) {
    std::error_code error;
    return std::filesystem::weakly_canonical(folder, error).filename().string();
}

}  // namespace

/// What is known of the program before it runs.
struct ProgramService::State {
    ProgramSettings settings;
    ChildLog& log;
    programs::Program program;
    command::ExitCodes exit_codes;
    std::string package;
    std::vector<ProcessorInfo> processors;

    [[nodiscard]] command::CommandSettings command_settings() const {
        return {.program = program,
                .folder = settings.folder.string(),
                .exit_codes = exit_codes,
                .process_timeout = settings.process_timeout};
    }
};

Result<std::unique_ptr<ProgramService>> ProgramService::load(ProgramSettings settings,
                                                             ChildLog& log) {
    ROCOCO_ASSIGN_OR_RETURN(auto exit_codes, command::ExitCodes::parse(settings.exit_codes));
    ROCOCO_ASSIGN_OR_RETURN(auto program,
                            programs::find_program(settings.folder, settings.command));
    std::string type =
        settings.type.empty() ? programs::processor_type_of(settings.folder) : settings.type;
    if (type.empty())
        return failure(ErrorKind::configuration,
                       "the name of the service's folder makes no name for a processor: set "
                       "PROCESSOR_TYPE, such as PROCESSOR_TYPE=OrderServiceProcessor");
    command::forget_messages_of_others();
    const bool is_lines = settings.kind == ProgramSettings::Kind::lines;
    std::string module = program.path.filename().string();
    std::vector<ProcessorInfo> processors{{.type = std::move(type),
                                           .module = std::move(module),
                                           .work = settings.work,
                                           .takes_windows = is_lines}};
    std::string package = name_of(settings.folder);
    // make_shared cannot make an aggregate before clang 16.
    // NOLINTNEXTLINE(modernize-make-shared)
    const std::shared_ptr<const State> state(new State{std::move(settings), log, std::move(program),
                                                       exit_codes, std::move(package),
                                                       std::move(processors)});
    return std::unique_ptr<ProgramService>(new ProgramService(state));
}

ProgramService::ProgramService(std::shared_ptr<const State> state) : state_(std::move(state)) {}
ProgramService::~ProgramService() = default;

const std::filesystem::path& ProgramService::path() const { return state_->program.path; }
std::string_view ProgramService::package() const { return state_->package; }
const std::vector<ProcessorInfo>& ProgramService::processors() const { return state_->processors; }

namespace {

/// Makes processors that run the program for each message.
class CommandFactory final : public ProcessorFactory {
public:
    CommandFactory(command::CommandSettings settings, HostServices host, ChildLog& log)
        : settings_(std::move(settings)), host_(std::move(host)), log_(log) {}

    Result<std::unique_ptr<Processor>> create() override {
        return std::make_unique<command::CommandProcessor>(settings_, host_, log_, left_out_);
    }

private:
    const command::CommandSettings settings_;
    const HostServices host_;
    ChildLog& log_;
    const std::shared_ptr<command::LeftOut> left_out_ = std::make_shared<command::LeftOut>();
};

}  // namespace

/// Makes processors that have a process each, which speaks lines of JSON.
class ProgramService::LinesFactory final : public ProcessorFactory {
public:
    LinesFactory(std::shared_ptr<const State> state, HostServices host)
        : state_(std::move(state)), host_(std::move(host)) {}

    Result<std::unique_ptr<Processor>> create() override {
        ROCOCO_ASSIGN_OR_RETURN(auto page, child::ChildPage::make(state_->settings.state_folder));
        ROCOCO_ASSIGN_OR_RETURN(auto first, start(*state_, host_));
        ROCOCO_TRY(child::LifeLimits::check(state_->settings.limits, first->process()));
        if (host_.keep_page) host_.keep_page(created_, page.descriptor());
        ++created_;
        return std::make_unique<lines::LinesProcessor>(
            lines::LinesProcessor::Settings{state_->settings.process_timeout,
                                            state_->settings.limits},
            [state = state_, host = host_] { return start(*state, host); },
            std::make_unique<child::ChildPage>(std::move(page)), std::move(first), host_);
    }

private:
    static Result<std::unique_ptr<lines::RunningLines>> start(const State& state,
                                                              const HostServices& host) {
        const std::string name = state.program.path.filename().string();
        ROCOCO_ASSIGN_OR_RETURN(
            auto program, lines::RunningLines::start({.path = state.program.path.string(),
                                                      .arguments = state.program.arguments,
                                                      .folder = state.settings.folder.string()},
                                                     {host.sender, host.clock, state.log, name}));
        program->wait_until_ready(kStart);
        auto lock = program->lock();
        if (!program->complaint().empty()) program->wait_for_end(lock);
        if (const auto end = program->end())
            return failure(ErrorKind::service,
                           fmt::format("PROCESSOR_COMMAND={}: the program ended at its start: {}",
                                       state.settings.command, end->words()));
        if (!program->complaint().empty())
            return failure(ErrorKind::service,
                           fmt::format("PROCESSOR_COMMAND={}: {}", state.settings.command,
                                       program->complaint()));
        return program;
    }

    const std::shared_ptr<const State> state_;
    const HostServices host_;
    std::size_t created_ = 0;
};

std::unique_ptr<ProcessorFactory> ProgramService::factory(const ProcessorInfo& /*processor*/,
                                                          HostServices host) const {
    if (state_->settings.kind == ProgramSettings::Kind::lines)
        return std::make_unique<LinesFactory>(state_, std::move(host));
    return std::make_unique<CommandFactory>(state_->command_settings(), std::move(host),
                                            state_->log);
}

}  // namespace rococo::svchost
