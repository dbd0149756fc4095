// SPDX-License-Identifier: MIT
#include "leader.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "rabbitmq_leader.hpp"
#include "rococo_svchost/scheduling/file_leader_election.hpp"

namespace rococo::svchost {

namespace {

std::string election_name(const HostContext& context) {
    const std::string& name = context.configuration.text("CRON_LEADER_NAME");
    return name.empty() ? std::string(context.service.library.package()) : name;
}

}  // namespace

Result<std::unique_ptr<LeaderElection>> make_leader_election(const HostContext& context) {
    const Configuration& configuration = context.configuration;
    const std::string& kind = configuration.text("CRON_LEADER");
    if (kind == "none") return nullptr;
    if (kind == "rabbitmq") {
        return make_rabbitmq_leader(configuration, election_name(context), context.clock);
    }

    std::filesystem::path file = configuration.path("SQLITE_PATH");
    std::error_code error;  // a folder that cannot be made is reported by the file's opening
    std::filesystem::create_directories(file.parent_path(), error);
    file += "-leader-" + election_name(context);
    auto election = FileLeaderElection::open(
        {.file = file, .holder = fmt::format("process {}", ::getpid()), .clock = {}});
    if (!election) return tl::unexpected(election.error());
    return std::unique_ptr<LeaderElection>(std::move(*election));
}

}  // namespace rococo::svchost
