// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <utility>

#include "host_context.hpp"
#include "rococo/configuration/consume_config.hpp"

namespace rococo::svchost {

/// The current consume configuration, reread from time to time by whoever asks: whether to exit
/// when finished, and whether to pause.
class LiveConfig {
public:
    LiveConfig(ConsumeConfig config, const HostContext& context)
        : config_(std::move(config)),
          context_(context),
          applied_{.exit_when_finished = context.configuration.boolean("EXIT_WHEN_FINISHED"),
                   .listen_interval = context.configuration.duration("LISTEN_INTERVAL"),
                   .visibility_timeout = context.configuration.duration("VISIBILITY_TIMEOUT"),
                   .paused = context.configuration.boolean("PAUSED")} {}

    bool exit_when_finished() { return current().exit_when_finished; }
    bool paused() { return current().paused; }

    /// Passes new values from the file to the adapter.
    void apply() {
        if (config_.current() == applied_) return;
        applied_ = config_.current();
        context_.queue_kind.apply(applied_);
    }

private:
    // How often to check the file while messages arrive.
    static constexpr std::chrono::milliseconds kInterval{100};

    const ConsumeSettings& current() {
        const SteadyTime now = context_.clock.steady_now();
        if (now >= next_look_) {
            next_look_ = now + kInterval;
            refresh();
        }
        return config_.current();
    }

    void refresh() {
        for (const ConsumeNote& note : config_.refresh()) tell(note);
        apply();
    }

    void tell(const ConsumeNote& note) const {
        switch (note.kind) {
            case ConsumeNote::Kind::change:
                return context_.logger.info("{}", note.text);
            case ConsumeNote::Kind::warning:
                return context_.logger.warning("{}", note.text);
            case ConsumeNote::Kind::error:
                return context_.logger.error("{}", note.text);
        }
    }

    ConsumeConfig config_;
    const HostContext& context_;
    ConsumeSettings applied_;  // starts with the configuration's values, like the adapter
    SteadyTime next_look_{};
};

}  // namespace rococo::svchost
