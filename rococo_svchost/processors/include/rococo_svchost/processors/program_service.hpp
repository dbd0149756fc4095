// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/child_log.hpp"
#include "rococo_svchost/processors/child_service.hpp"
#include "rococo_svchost/processors/service.hpp"

namespace rococo::svchost {

/// How to run a program as a processor.
struct ProgramSettings {
    /// How svchost speaks with it.
    enum class Kind {
        command,  ///< A process for each message, by its exit code.
        lines,    ///< A process for many messages, by lines of JSON.
    };

    Kind kind = Kind::command;
    std::filesystem::path folder{};  ///< The service's, where it runs.
    std::string command{};           ///< PROCESSOR_COMMAND.
    std::string exit_codes{};        ///< PROCESSOR_EXIT_CODES.
    std::string type{};              ///< Empty: by the folder's name.
    Work work = Work::messages;
    std::filesystem::path state_folder{};         ///< For what must survive this process.
    std::chrono::microseconds process_timeout{};  ///< Zero: none.
    ChildLimits limits{};                         ///< Of `lines`.
};

/// A service that is a program in any language.
class ProgramService final : public Service {
public:
    /// Finds the program and checks that it can be executed; starts nothing. The log must outlive
    /// the service. **Errors**: kinds `configuration` and `service`, naming the variable.
    [[nodiscard]] static Result<std::unique_ptr<ProgramService>> load(ProgramSettings settings,
                                                                      ChildLog& log);
    ~ProgramService() override;

    /// The program's.
    [[nodiscard]] const std::filesystem::path& path() const override;
    /// The folder's name.
    [[nodiscard]] std::string_view package() const override;
    /// `unknown`: programs have no place to say it.
    [[nodiscard]] std::string_view version() const override { return "unknown"; }
    [[nodiscard]] std::string_view sdk_version() const override { return "none"; }
    [[nodiscard]] const std::vector<ProcessorInfo>& processors() const override;
    [[nodiscard]] std::unique_ptr<ProcessorFactory> factory(const ProcessorInfo& processor,
                                                            HostServices host) const override;

private:
    struct State;
    class LinesFactory;
    explicit ProgramService(std::shared_ptr<const State> state);

    std::shared_ptr<const State> state_;
};

}  // namespace rococo::svchost
