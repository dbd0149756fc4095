// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>

#include "admin_parts.hpp"
#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "memory_limit.hpp"
#include "messaging_host.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/configuration/consume_config.hpp"
#include "rococo_svchost/admin/buckets.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/processors/child_service.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"
#include "rococo_svchost/runtime/worker_pool.hpp"
#include "steering_signals.hpp"

namespace rococo::svchost {

namespace {

// How often to check the consume configuration's file while messages arrive.
constexpr std::chrono::milliseconds kConsumeConfigInterval{100};
// The most messages that a processor's process is given at once.
constexpr std::size_t kMostInWindow = 128;

std::size_t worker_count(const Configuration& configuration) {
    const bool by_original_name = configuration.text("MESSAGING_TYPE") == "RabbitMqConnection" &&
                                  configuration.is_set("RABBITMQ_NUM_THREADS");
    return static_cast<std::size_t>(
        configuration.integer(by_original_name ? "RABBITMQ_NUM_THREADS" : "NUM_THREADS"));
}

std::size_t max_bytes_in_hand(const Configuration& configuration) {
    return configuration.text("PREFETCH_BYTES") == "auto"
               ? default_bytes_in_hand(memory_limit())
               : static_cast<std::size_t>(configuration.size("PREFETCH_BYTES"));
}

Dispatcher::Settings dispatcher_settings(const Configuration& configuration) {
    const bool tuned = configuration.text("PREFETCH") == "auto";
    return {.workers = worker_count(configuration),
            .prefetch = tuned ? 0 : static_cast<std::size_t>(configuration.integer("PREFETCH")),
            .max_bytes_in_hand = max_bytes_in_hand(configuration),
            .retry = retry_policy(configuration),
            .drain_timeout = configuration.duration("DRAIN_TIMEOUT"),
            .watch_process_timeout = configuration.duration("PROCESS_TIMEOUT").count() > 0};
}

/// No more than may exceed PROCESSOR_MAX_MESSAGES: a process is replaced after a whole window.
std::size_t most_in_window(const Configuration& configuration) {
    const auto limit = static_cast<std::size_t>(configuration.integer("PROCESSOR_MAX_MESSAGES"));
    return limit == 0
               ? kMostInWindow
               : std::clamp<std::size_t>(limit / ChildLimits::kSurplusShare, 1, kMostInWindow);
}

WorkerPool::Settings pool_settings(const Configuration& configuration,
                                   const ProcessorInfo& processor) {
    return {.workers = worker_count(configuration),
            .max_batch = processor.takes_batches
                             ? static_cast<std::size_t>(configuration.integer("BATCH_SIZE"))
                         : processor.takes_windows ? most_in_window(configuration)
                                                   : 1,
            .windows = processor.takes_windows,
            .process_timeout = configuration.duration("PROCESS_TIMEOUT")};
}

std::unique_ptr<CrashNotes> open_notes(const HostContext& context, const std::string& queue,
                                       const WorkerPool::Settings& pool) {
    auto notes = CrashNotes::open(context.configuration.path("STATE_DIR"), queue,
                                  {.workers = pool.workers, .max_batch = pool.max_batch},
                                  context.clock, context.logger);
    if (!notes) {
        context.logger.warning(
            "{}; a message that crashes the host will be retried without limit. Set STATE_DIR to a "
            "writable folder that survives a restart",
            notes.error().message);
        return nullptr;
    }
    return std::move(*notes);
}

/// The current consume configuration, reread from time to time. The dispatcher asks it whether to
/// exit when finished, and whether to pause.
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
    const ConsumeSettings& current() {
        const SteadyTime now = context_.clock.steady_now();
        if (now >= next_look_) {
            next_look_ = now + kConsumeConfigInterval;
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

/// What a signal handler may use, at any time.
struct Run {
    std::atomic<Dispatcher*> dispatcher = nullptr;
    CrashNotes* notes = nullptr;                                // set before the dispatcher
    std::atomic<messaging::MessageAdapter*> adapter = nullptr;  // for as long as it may be woken
    std::atomic<bool> over = false;
};

/// Ends the run because processors cannot be run any more.
class Breakdown {
public:
    explicit Breakdown(const Run& run) : run_(run) {}

    /// By a worker, which has a message in hand.
    void report(const Error& error) {
        const std::scoped_lock lock(mutex_);
        if (!error_) error_ = error;
        if (Dispatcher* const dispatcher = run_.dispatcher) dispatcher->request_drain();
    }
    [[nodiscard]] std::optional<Error> error() const {
        const std::scoped_lock lock(mutex_);
        return error_;
    }

private:
    const Run& run_;
    mutable std::mutex mutex_;  // guards the one below
    std::optional<Error> error_;
};

/// Without a dispatcher to drain, a signal simply ends the process.
void drain_or_exit(void* argument) {
    auto& run = *static_cast<Run*>(argument);
    if (run.over) return;
    Dispatcher* const dispatcher = run.dispatcher;
    if (dispatcher == nullptr) exit_before_start();
    // From here on the host is stopping. If a supervisor kills it, no message is to blame.
    if (run.notes != nullptr) run.notes->ending_on_purpose();
    dispatcher->request_drain();
}

void wake_to_steer(void* argument) {
    auto& run = *static_cast<Run*>(argument);
    if (auto* const adapter = run.adapter.load()) adapter->wake();
}

/// Whether the dispatcher is to pause: asked at each turn, by its thread. Does what signals ask
/// for.
bool is_paused(MessagingHost& host, LiveConfig& live_config) {
    host.pause_switch().configured(live_config.paused(), "PAUSED");
    if (host.steer_by_signals().list) host.log_in_hand();
    return host.pause_switch().current().has_value();
}

void log_totals(const Logger& logger, const Dispatcher::Totals& totals) {
    logger.info("Stopped: {} acknowledged, {} retried, {} dead-lettered, {} dropped",
                totals.acknowledged, totals.retried, totals.dead_lettered, totals.dropped);
    if (totals.lost > 0)
        logger.info(
            "{} more were processed, but the queue had taken them back; they are settled if it "
            "delivers them again",
            counted(totals.lost, "message"));
}

}  // namespace

int run_messaging(const HostContext& context, const std::string& queue) {
    const Configuration& configuration = context.configuration;
    const Logger& logger = context.logger;
    const auto fail = [&](const Error& error) { return log_failure(logger, error); };
    std::unique_ptr<CrashNotes> notes;
    const auto end_amid_work = [&](int code) {
        // The host stops itself here, so charge the messages nothing.
        if (notes != nullptr) notes->discard();
        exit_now(context.log, code);
    };

    Run run;
    const Termination termination(&drain_or_exit, &run);
    const SteeringSignals steering(&wake_to_steer, &run);

    auto consume_config = ConsumeConfig::open(configuration);
    if (!consume_config) return fail(consume_config.error());

    std::unique_ptr<messaging::MessageAdapter> adapter = context.queue_kind.adapter(queue);
    if (context.options.wrap_adapter) adapter = context.options.wrap_adapter(std::move(adapter));
    run.adapter = adapter.get();

    // Create the processors before connecting, so that a failing constructor affects no message.
    const WorkerPool::Settings pool_config = pool_settings(configuration, context.processor);
    notes = open_notes(context, queue, pool_config);
    const CrashHandler crash_handler(notes.get(), &write_out_log);
    const auto process_seconds = process_buckets(configuration);
    if (!process_seconds) return fail(process_seconds.error());
    MessageRecorder recorder(context.clock, {.process = *process_seconds, .queue = kQueueSeconds});
    LazySender queue_sender(context.queue_kind);
    CountingSender sender(queue_sender, context.clock, kOperationSeconds);
    Breakdown breakdown(run);
    ProcessorLinks links{.on_broken = [&](const Error& error) { breakdown.report(error); },
                         .on_crash = [&recorder] { recorder.on_crash(); }};
    if (notes != nullptr)
        links.keep_page = [&notes = *notes](std::size_t worker, int page) {
            notes.keep_page(worker, page);
        };
    const auto factory = processor_factory(context, sender, std::move(links));
    auto pool = WorkerPool::start(pool_config, *factory, context.clock, notes.get(),
                                  [&adapter = *adapter] { adapter.wake(); });
    if (!pool) return fail(pool.error());

    LiveConfig live_config(std::move(*consume_config), context);
    live_config.apply();  // before the start line logs the settings
    MessagingHost host(context, queue, adapter->endpoint(), pool_config.workers,
                       {.recorder = recorder,
                        .sender = sender,
                        .calls = [&pool = **pool] { return pool.running_calls(); },
                        .wake = [&adapter = *adapter] { adapter.wake(); }});
    auto admin = start_admin(context, host);
    if (!admin) return fail(admin.error());
    Dispatcher dispatcher(dispatcher_settings(configuration),
                          {.adapter = *adapter,
                           .workers = **pool,
                           .notes = notes.get(),
                           .clock = context.clock,
                           .logger = logger,
                           .random = [&] { return to_fraction(context.random()); },
                           .exit_when_finished = [&] { return live_config.exit_when_finished(); },
                           .paused = [&] { return is_paused(host, live_config); },
                           .observer = &recorder});
    if (auto opened = adapter->open(); !opened) return fail(opened.error());
    host.watch_queue();
    logger.info("Consuming from queue {} at {} with {}", queue, adapter->endpoint(),
                counted(pool_config.workers, "worker"));
    run.notes = notes.get();
    run.dispatcher = &dispatcher;
    const auto end = dispatcher.run();
    run.over = true;
    run.adapter = nullptr;
    admin->reset();

    log_totals(logger, dispatcher.totals());
    if (!end) {
        const int code = fail(end.error());
        if ((*pool)->in_hand() > 0) end_amid_work(code);
        return code;
    }
    if (const auto error = breakdown.error()) {
        const int code = fail(*error);
        if ((*pool)->in_hand() > 0) end_amid_work(code);
        return code;
    }
    if (*end == Dispatcher::End::drain_timeout) end_amid_work(kDrainTimeout);
    if (*end == Dispatcher::End::finished) logger.info("The queue is empty: exiting");
    return 0;
}

}  // namespace rococo::svchost
