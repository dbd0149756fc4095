// SPDX-License-Identifier: MIT
#include "rabbitmq_leader.hpp"

#include <algorithm>

#include "rabbitmq_configuration.hpp"
#include "rococo/messaging/rabbitmq_leader_token.hpp"

namespace rococo::svchost {

namespace {

using std::chrono::microseconds;
using namespace std::chrono_literals;

constexpr microseconds kInterval = 500ms;
constexpr std::chrono::seconds kHeartbeat = 2s;
constexpr microseconds kTolerance = 1s;
// The thread that waits for the broker also starts the runs and listens to SIGTERM.
constexpr std::chrono::milliseconds kMostPatience = 3s;

/// Leader election over RabbitMQ: who holds the token of `RabbitMqLeaderToken` leads, and the
/// token's position is the latest claim, in microseconds since 1970. A claim is good once the
/// broker has confirmed it.
///
/// A paused leader that wakes finds its connection closed by the broker, which has given the token
/// to a successor: its claim fails, so it starts nothing.
///
/// **Thread-safety**: none; one thread at a time.
class RabbitMqLeaderElection final : public LeaderElection {
public:
    RabbitMqLeaderElection(messaging::RabbitMqSettings settings, const std::string& name,
                           const Clock& clock)
        : token_(std::move(settings), "svchost.leader." + name, clock) {}

    Result<bool> try_acquire() override { return token_.acquire(); }
    Result<bool> keep() override { return token_.keep(); }
    Result<bool> claim(SystemTime due, SystemTime now) override {
        const std::int64_t to = due.time_since_epoch().count();
        // A claim from the future was made before the clock was set back: it says nothing about
        // now.
        if (token_.position() > (now + kTolerance).time_since_epoch().count())
            return token_.set_back(to);
        return token_.advance(to);
    }
    Result<std::optional<SystemTime>> last_claim() override {
        const auto position = token_.position();
        if (!position) return std::nullopt;
        return SystemTime(microseconds(*position));
    }
    void release() noexcept override { token_.release(); }

    [[nodiscard]] microseconds interval() const override { return kInterval; }
    /// The kernel closes a dead process's connection, and the broker sees that at once.
    [[nodiscard]] microseconds takeover_after_death() const override { return 2 * kInterval; }
    /// The broker closes a connection that was silent for two heartbeats, and looks once each.
    [[nodiscard]] microseconds takeover_after_hang() const override {
        return 3 * kHeartbeat + 2 * kInterval;
    }

private:
    messaging::RabbitMqLeaderToken token_;
};

}  // namespace

Result<std::unique_ptr<LeaderElection>> make_rabbitmq_leader(const Configuration& configuration,
                                                             const std::string& name,
                                                             const Clock& clock) {
    auto settings = rabbitmq_settings(configuration);
    if (!settings) return tl::unexpected(settings.error());
    settings->heartbeat = kHeartbeat;
    settings->connect_timeout = std::min(settings->connect_timeout, kMostPatience);
    settings->request_timeout = std::min(settings->request_timeout, kMostPatience);
    return std::make_unique<RabbitMqLeaderElection>(std::move(*settings), name, clock);
}

}  // namespace rococo::svchost
