// SPDX-License-Identifier: MIT
#include "running_host.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string_view>
#include <utility>

#include "process_facts.hpp"
#include "rococo/configuration/duration.hpp"
#include "rococo/configuration/render.hpp"
#include "steering_signals.hpp"

namespace rococo::svchost {

namespace {

// What systemd grants beyond DRAIN_TIMEOUT: the rest of the end.
constexpr std::chrono::seconds kDrainMargin{5};

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

/// As OpenTelemetry's conventions for messaging spell it.
std::string system_name(std::string_view messaging_type) {
    if (messaging_type == "RabbitMqConnection") return "rabbitmq";
    return messaging_type == "SqsConnection" ? "aws_sqs" : "sqlite";
}

}  // namespace

HostIdentity host_identity(const HostContext& context, const std::string& queue,
                           const std::string& endpoint, std::size_t workers) {
    const int process = ::getpid();
    const bool scheduled = context.processor.work == Work::schedule;
    return {.service = context.processor.type,
            .language = context.language,
            .scheduled = scheduled,
            .instance = host_name() + "-" + std::to_string(process),
            .version = version(),
            .commit = context.options.commit,
            .process = process,
            .started_at = context.clock.now(),
            .queue = queue,
            .system = scheduled ? "" : system_name(context.configuration.text("MESSAGING_TYPE")),
            .endpoint = endpoint,
            .workers = workers};
}

RunningHost::RunningHost(const HostContext& context, HostIdentity identity, const std::string& name,
                         std::function<void()> wake)
    : context_(context),
      identity_(std::move(identity)),
      wake_(std::move(wake)),
      pause_switch_(context.configuration.path("STATE_DIR"), name, context.clock, context.logger) {}

HostFacts RunningHost::common_facts(bool draining, SteadyTime last_round,
                                    std::string_view thread) const {
    HostFacts facts;
    facts.phase = draining                     ? HostPhase::draining
                  : last_round == SteadyTime() ? HostPhase::starting
                                               : HostPhase::running;
    if (draining) facts.remarks.emplace_back("The host is draining.");
    const auto stall = context_.configuration.duration("LIVENESS_STALL");
    const auto since = context_.clock.steady_now() - last_round;
    if (facts.phase != HostPhase::starting && since > stall) {
        facts.live = false;
        facts.remarks.push_back(fmt::format("{} has not turned for {:.0f} s (LIVENESS_STALL={}).",
                                            thread, std::chrono::duration<double>(since).count(),
                                            duration_setting(stall)));
    }
    facts.identity = identity_;
    facts.now = context_.clock.now();
    facts.paused = pause_switch_.current();
    facts.process = process_facts();
    return facts;
}

std::vector<Setting> RunningHost::settings() const {
    std::vector<Setting> settings;
    for (const rococo::Setting& setting : context_.configuration.settings())
        settings.push_back({.name = setting.name,
                            .value = displayed_value(setting),
                            .origin = setting.origin,
                            .fallback = std::string(setting.option->fallback),
                            .help = std::string(setting.option->help),
                            .secret = setting.option->secret});
    return settings;
}

std::vector<LogLine> RunningHost::log(std::uint64_t after) const {
    return context_.log.ring().after(after);
}

void RunningHost::set_log_level(LogLevel level, const std::string& by) {
    // While warnings are among the lines, before or after.
    if (level < context_.log.level()) context_.log.set_level(level);
    context_.logger.warning("The log's level is {} now, set by {}", level_name(level), by);
    context_.log.set_level(level);
}

bool RunningHost::is_paused(bool by_configuration) {
    pause_switch_.configured(by_configuration, "PAUSED");
    const auto asked = SteeringSignals::take();
    if (asked.list) log_in_hand();
    if (asked.pause) pause_switch_.pause("", std::nullopt, "signal");
    if (asked.resume) {
        if (const auto resumed = pause_switch_.resume("signal"); !resumed)
            context_.logger.warning("SIGUSR2: {}", resumed.error().message);
    }
    return pause_switch_.current().has_value();
}

void RunningHost::say_that_it_drains() const {
    context_.systemd.stopping();
    context_.systemd.extend(context_.configuration.duration("DRAIN_TIMEOUT") + kDrainMargin);
}

Result<void> RunningHost::pause(const std::string& reason,
                                std::optional<std::chrono::milliseconds> length,
                                const std::string& by) {
    pause_switch_.pause(reason, length, by);
    wake_();
    return {};
}

Result<bool> RunningHost::resume(const std::string& by) {
    auto resumed = pause_switch_.resume(by);
    wake_();
    return resumed;
}

}  // namespace rococo::svchost
