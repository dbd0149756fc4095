// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "queue_kinds.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_leader_token.hpp"
#include "rococo_svchost/scheduling/clock_rule.hpp"
#include "rococo_svchost/scheduling/file_leader_election.hpp"
#include "schedule_parts.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;
using namespace std::chrono_literals;

constexpr microseconds kInterval = 500ms;
constexpr std::chrono::seconds kHeartbeat = 2s;
// Short, because the thread that waits for the broker also starts runs and reacts to SIGTERM.
constexpr std::chrono::milliseconds kMostPatience = 3s;

/// Leader election through RabbitMQ: the holder of the `RabbitMqLeaderToken` leads, and the token's
/// position is the latest claim, in microseconds since 1970. A claim is valid once the broker has
/// confirmed it.
///
/// When a paused leader resumes, the broker has closed its connection and given the token to a
/// successor. Its claim fails, so it starts nothing.
///
/// **Thread-safety**: none; use it from one thread at a time.
class RabbitMqLeaderElection final : public LeaderElection {
public:
    RabbitMqLeaderElection(messaging::RabbitMqSettings settings, const std::string& name,
                           const Clock& clock)
        : token_(std::move(settings), "svchost.leader." + name, clock) {}

    Result<void> check() const { return token_.check(); }

    Result<bool> try_acquire() override { return token_.acquire(); }
    Result<bool> keep() override { return token_.keep(); }
    Result<bool> claim(SystemTime due, SystemTime believed_until) override {
        const std::int64_t to = due.time_since_epoch().count();
        const auto last = token_.position();
        const bool is_wrong = last && *last > believed_until.time_since_epoch().count();
        return is_wrong ? token_.set_back(to) : token_.advance(to);
    }
    Result<std::optional<SystemTime>> last_claim() override {
        const auto position = token_.position();
        if (!position) return std::nullopt;
        return SystemTime(microseconds(*position));
    }
    void release() noexcept override { token_.release(); }

    /// The kernel closes a dead process's connection, which the broker notices at once. A silent
    /// one is closed after two heartbeats.
    [[nodiscard]] ElectionTraits traits() const override {
        return {kInterval, 2 * kInterval, kMachinesApart};
    }

private:
    messaging::RabbitMqLeaderToken token_;
};

std::string election_name(const HostContext& context) {
    const std::string& name = context.configuration.text("CRON_LEADER_NAME");
    return name.empty() ? std::string(context.service.package()) : name;
}

Result<std::unique_ptr<RabbitMqLeaderElection>> rabbitmq_election(const HostContext& context) {
    ROCOCO_ASSIGN_OR_RETURN(auto settings, rabbitmq_settings(context.configuration));
    settings.heartbeat = kHeartbeat;
    settings.connect_timeout = std::min(settings.connect_timeout, kMostPatience);
    settings.request_timeout = std::min(settings.request_timeout, kMostPatience);
    return std::make_unique<RabbitMqLeaderElection>(std::move(settings), election_name(context),
                                                    context.clock);
}

FileLeaderOptions file_options(const HostContext& context) {
    std::filesystem::path file = context.configuration.path("SQLITE_PATH");
    file += "-leader-" + election_name(context);
    return {.file = file, .holder = fmt::format("process {}", ::getpid()), .clock = context.clock};
}

}  // namespace

Result<std::unique_ptr<LeaderElection>> make_leader_election(const HostContext& context) {
    const std::string& kind = context.configuration.text("CRON_LEADER");
    if (kind == "none") return nullptr;
    if (kind == "rabbitmq") return rabbitmq_election(context);
    return FileLeaderElection::open(file_options(context));
}

Result<void> check_leader_election(const HostContext& context) {
    const std::string& kind = context.configuration.text("CRON_LEADER");
    if (kind == "none") return {};
    if (kind != "rabbitmq") return FileLeaderElection::check(file_options(context));
    ROCOCO_ASSIGN_OR_RETURN(const auto election, rabbitmq_election(context));
    return election->check();
}

}  // namespace rococo::svchost
