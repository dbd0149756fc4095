// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rococo_svchost/processors/call_services.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// What a processor works on, and what an execution type asks for.
enum class Work { messages, schedule };

/// A class of the user's, as its service describes it.
struct ProcessorInfo {
    std::string type;    ///< Its name without namespaces: `ChildLoggingServiceProcessor`.
    std::string module;  ///< `service_example.processor`.
    Work work = Work::messages;
    bool takes_batches = false;  ///< It handles one or more messages per call.
    /// It works through several messages one after the other: see `JobBoard::Settings`.
    bool takes_windows = false;
};

/// The user's service, whatever it is written in: what it says about itself, and its processors.
///
/// **Thread-safety**: all members may be called from any thread, except `factory`.
class Service {
public:
    virtual ~Service() = default;

    /// What it was loaded from.
    [[nodiscard]] virtual const std::filesystem::path& path() const = 0;
    /// `service_example`.
    [[nodiscard]] virtual std::string_view package() const = 0;
    /// The service's own version.
    [[nodiscard]] virtual std::string_view version() const = 0;
    /// The version of the SDK that it uses.
    [[nodiscard]] virtual std::string_view sdk_version() const = 0;
    /// At least one.
    [[nodiscard]] virtual const std::vector<ProcessorInfo>& processors() const = 0;

    /// Makes instances of one of `processors()`, which use these services of the host. The service
    /// must outlive the factory and everything that it creates.
    [[nodiscard]] virtual std::unique_ptr<ProcessorFactory> factory(const ProcessorInfo& processor,
                                                                    HostServices host) const = 0;
};

}  // namespace rococo::svchost
