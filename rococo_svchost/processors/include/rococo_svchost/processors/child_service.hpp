// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"
#include "rococo_svchost/processors/child_log.hpp"
#include "rococo_svchost/processors/service.hpp"

namespace rococo::svchost {

/// After what a process is replaced by a new one, between two messages; 0: never.
struct ChildLimits {
    /// Windows exceed `messages` by up to this part of it, and each process's draw by as much.
    static constexpr std::uint64_t kSurplusShare = 20;

    std::uint64_t messages = 0;  ///< So many, up to a tenth later, so that not all go at once.
    std::uint64_t memory = 0;    ///< Once it holds more bytes than this.
};

/// The RabbitMQ that the host is connected to, for processors that bring a connection's parameters.
/// What they send there goes by the host, which needs no password from them.
struct ChildBroker {
    std::string host;  ///< Names or addresses with their ports, separated by commas.
    std::uint16_t port = 0;
    std::string virtual_host;
    std::string user;
};

/// How to run a processor in processes of its own.
struct ChildSettings {
    std::string executable{};                ///< The interpreter, or the program itself.
    std::vector<std::string> arguments{};    ///< The first is its name.
    std::vector<std::string> environment{};  ///< Added to this process's: `NAME=value`.
    std::filesystem::path folder{};          ///< The service's.
    Work work = Work::messages;
    std::string module{};        ///< Empty: the child chooses.
    std::string type{};          ///< Empty: the child chooses.
    std::string path{};          ///< Folders that hold modules, separated by `:`.
    std::string log_level{};     ///< `INFO`.
    std::string host_version{};  ///< Of svchost.
    std::string queue_prefix{};
    std::optional<ChildBroker> rabbitmq{};  ///< None: the host uses another kind of queue.
    std::filesystem::path state_folder{};   ///< For what must survive this process.
    std::chrono::milliseconds start_timeout{};
    std::chrono::microseconds process_timeout{};  ///< Zero: none.
    ChildLimits limits{};
};

/// A service whose processors run in child processes and speak the frame protocol
/// (docs/adr/0010): a crash, a hang or a leak of one costs one message.
class ChildService final : public Service {
public:
    /// Starts the first process and has it load the service, but make no instance. The log must
    /// outlive the service. **Errors**: kind `service`, with what the child said.
    [[nodiscard]] static Result<std::unique_ptr<ChildService>> load(ChildSettings settings,
                                                                    ChildLog& log);
    ~ChildService() override;

    [[nodiscard]] const std::filesystem::path& path() const override;
    [[nodiscard]] std::string_view package() const override;
    [[nodiscard]] std::string_view version() const override;
    [[nodiscard]] std::string_view sdk_version() const override;
    /// The one that the child chose.
    [[nodiscard]] const std::vector<ProcessorInfo>& processors() const override;
    /// What the child wants its operator to know.
    [[nodiscard]] const std::vector<std::string>& notes() const;
    [[nodiscard]] std::unique_ptr<ProcessorFactory> factory(const ProcessorInfo& processor,
                                                            HostServices host) const override;

private:
    struct State;
    class Factory;
    explicit ChildService(std::shared_ptr<State> state);

    std::shared_ptr<State> state_;
};

}  // namespace rococo::svchost
