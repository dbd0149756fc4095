// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <atomic>
#include <chrono>

#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "rococo/configuration/consume_config.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/processors/library_processor.hpp"
#include "rococo_svchost/runtime/dispatcher.hpp"

namespace rococo::svchost {

namespace {

// How often the consume configuration's file is looked at while messages flow.
constexpr std::chrono::milliseconds kConsumeConfigInterval{100};

std::size_t worker_count(const Configuration& configuration) {
    const bool by_original_name = configuration.text("MESSAGING_TYPE") == "RabbitMqConnection" &&
                                  configuration.is_set("RABBITMQ_NUM_THREADS");
    return static_cast<std::size_t>(
        configuration.integer(by_original_name ? "RABBITMQ_NUM_THREADS" : "NUM_THREADS"));
}

Dispatcher::Settings dispatcher_settings(const Configuration& configuration) {
    const bool tuned = configuration.text("PREFETCH") == "auto";
    return {.workers = worker_count(configuration),
            .prefetch = tuned ? 0 : static_cast<std::size_t>(configuration.integer("PREFETCH")),
            .retry = retry_policy(configuration),
            .drain_timeout = configuration.duration("DRAIN_TIMEOUT"),
            .watch_process_timeout = configuration.duration("PROCESS_TIMEOUT").count() > 0};
}

WorkerPool::Settings pool_settings(const Configuration& configuration, int processor_kind) {
    const bool batches = processor_kind == ROCOCO_BATCHES;
    return {
        .workers = worker_count(configuration),
        .max_batch = batches ? static_cast<std::size_t>(configuration.integer("BATCH_SIZE")) : 1,
        .process_timeout = configuration.duration("PROCESS_TIMEOUT")};
}

std::unique_ptr<CrashNotes> open_notes(const HostContext& context, const std::string& queue,
                                       const WorkerPool::Settings& pool) {
    auto notes = CrashNotes::open(context.configuration.path("STATE_DIR"), queue, pool.workers,
                                  pool.max_batch);
    if (!notes) {
        context.logger.warning(
            "{}; a message that crashes the host counts as tried only where the queue itself "
            "counts. Set STATE_DIR to a folder that can be written and survives a restart",
            notes.error().message);
        return nullptr;
    }
    return std::move(*notes);
}

/// The consume configuration as it stands now, read again now and then; asked by the dispatcher
/// whether to exit once finished.
class LiveConfig {
public:
    LiveConfig(ConsumeConfig config, const HostContext& context)
        : config_(std::move(config)),
          context_(context),
          applied_{.exit_when_finished = context.configuration.boolean("EXIT_WHEN_FINISHED"),
                   .listen_interval = context.configuration.duration("LISTEN_INTERVAL"),
                   .visibility_timeout = context.configuration.duration("VISIBILITY_TIMEOUT")} {}

    bool exit_when_finished() {
        const SteadyTime now = context_.clock.steady_now();
        if (now >= next_look_) {
            next_look_ = now + kConsumeConfigInterval;
            refresh();
        }
        return config_.current().exit_when_finished;
    }

private:
    void refresh() {
        for (const std::string& line : config_.refresh()) context_.logger.info("{}", line);
        if (config_.current() == applied_) return;
        applied_ = config_.current();
        context_.messaging.apply(applied_);
    }

    ConsumeConfig config_;
    const HostContext& context_;
    ConsumeSettings applied_;  // the adapter was made with the configuration's
    SteadyTime next_look_{};
};

/// What a signal finds, whenever it comes.
struct Run {
    std::atomic<Dispatcher*> dispatcher = nullptr;
    std::atomic<bool> over = false;
};

/// Before there is anything to drain, a signal simply ends the process; after that, nothing that it
/// could ask to stop is there any more.
void drain_or_exit(void* argument) {
    auto& run = *static_cast<Run*>(argument);
    if (run.over) return;
    Dispatcher* const dispatcher = run.dispatcher;
    if (dispatcher == nullptr) ::_exit(0);
    dispatcher->request_drain();
}

void log_totals(const Logger& logger, const Dispatcher::Totals& totals) {
    logger.info("Stopped: {} acknowledged, {} retried, {} dead-lettered, {} dropped",
                totals.acknowledged, totals.retried, totals.dead_lettered, totals.dropped);
}

}  // namespace

int run_messaging(const HostContext& context, const std::string& queue) {
    const Configuration& configuration = context.configuration;
    const Logger& logger = context.logger;
    const auto fail = [&](const Error& error) { return log_failure(logger, error); };
    std::unique_ptr<CrashNotes> notes;
    const auto end_amid_work = [&](int code) {
        // Ended by us and not by the messages: nothing to charge them with.
        if (notes != nullptr) notes->discard();
        exit_now(context.log, code);
    };

    Run run;
    const Termination termination(&drain_or_exit, &run);

    auto consume_config = ConsumeConfig::open(configuration);
    if (!consume_config) return fail(consume_config.error());

    std::unique_ptr<messaging::MessageAdapter> adapter = context.messaging.adapter(queue);
    if (context.options.wrap_adapter) adapter = context.options.wrap_adapter(std::move(adapter));

    // Processors come before the connection: a constructor that fails takes no message along.
    const WorkerPool::Settings pool_config =
        pool_settings(configuration, context.service.processor->kind);
    notes = open_notes(context, queue, pool_config);
    LazySender sender(context.messaging);
    LibraryProcessorFactory factory(*context.service.processor, sender, context.clock);
    auto pool = WorkerPool::start(pool_config, factory, context.clock, notes.get(),
                                  [&adapter = *adapter] { adapter.wake(); });
    if (!pool) return fail(pool.error());

    if (auto opened = adapter->open(); !opened) return fail(opened.error());
    logger.info("Consuming from queue {} at {} with {} worker(s)", queue, adapter->endpoint(),
                pool_config.workers);

    LiveConfig live_config(std::move(*consume_config), context);
    Dispatcher dispatcher(dispatcher_settings(configuration),
                          {.adapter = *adapter,
                           .pool = **pool,
                           .notes = notes.get(),
                           .clock = context.clock,
                           .logger = logger,
                           .random = [&] { return to_fraction(context.random()); },
                           .exit_when_finished = [&] { return live_config.exit_when_finished(); }});
    run.dispatcher = &dispatcher;
    const auto end = dispatcher.run();
    run.over = true;

    log_totals(logger, dispatcher.totals());
    if (!end) {
        const int code = fail(end.error());
        if ((*pool)->in_hand() > 0) end_amid_work(code);
        return code;
    }
    if (*end == Dispatcher::End::drain_timeout) end_amid_work(kDrainTimeout);
    if (*end == Dispatcher::End::finished) logger.info("The queue is empty: exiting");
    return 0;
}

}  // namespace rococo::svchost
