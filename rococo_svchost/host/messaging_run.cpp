// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin_parts.hpp"
#include "host_context.hpp"
#include "lazy_sender.hpp"
#include "live_config.hpp"
#include "messaging_host.hpp"
#include "messaging_settings.hpp"
#include "rococo/base/counted.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/messaging/deaf_watch.hpp"
#include "rococo_svchost/admin/buckets.hpp"
#include "rococo_svchost/host/termination.hpp"
#include "rococo_svchost/runtime/crash_handler.hpp"
#include "steering_signals.hpp"

namespace rococo::svchost {

namespace {

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

/// What a signal handler may use, at any time.
struct Reachable {
    std::atomic<Dispatcher*> dispatcher = nullptr;
    CrashNotes* notes = nullptr;                                // set before the dispatcher
    std::atomic<messaging::MessageAdapter*> adapter = nullptr;  // for as long as it may be woken
    std::atomic<bool> over = false;
};

/// Without a dispatcher to drain, a signal simply ends the process.
void drain_or_exit(void* argument) {
    auto& run = *static_cast<Reachable*>(argument);
    if (run.over) return;
    Dispatcher* const dispatcher = run.dispatcher;
    if (dispatcher == nullptr) exit_before_start();
    // From here on the host is stopping. If a supervisor kills it, no message is to blame.
    if (run.notes != nullptr) run.notes->ending_on_purpose();
    dispatcher->request_drain();
}

void wake_to_steer(void* argument) {
    auto& run = *static_cast<Reachable*>(argument);
    if (auto* const adapter = run.adapter.load()) adapter->wake();
}

/// Consumes a queue, from the configuration to the exit code.
class MessagingRun {
public:
    MessagingRun(const HostContext& context, std::string queue)
        : context_(context),
          logger_(context.logger),
          queue_(std::move(queue)),
          pool_settings_(pool_settings(context.configuration, context.processor)),
          queue_sender_(context.queue_kind) {}

    /// The exit code.
    int run() {
        if (auto prepared = prepare(); !prepared) return log_failure(logger_, prepared.error());
        if (auto opened = adapter_->open(); !opened) return log_failure(logger_, opened.error());
        host_->watch_queue();
        logger_.info("Consuming from queue {} at {} with {}", queue_, adapter_->endpoint(),
                     counted(pool_settings_.workers, "worker"));
        context_.systemd.ready("Consuming from queue " + queue_);
        reachable_.notes = notes_.get();
        reachable_.dispatcher = &*dispatcher_;
        const auto end = dispatcher_->run();
        reachable_.over = true;
        reachable_.adapter = nullptr;
        // Whoever still waits for the queue shall not keep the host from ending.
        const bool nobody_looks = admin_->stop();
        const int code = conclude(end);
        if (!nobody_looks) exit_now(context_.log, code);
        return code;
    }

private:
    /// Makes everything that needs no connection. The processors are among it, so that a failing
    /// constructor affects no message.
    Result<void> prepare() {
        ROCOCO_ASSIGN_OR_RETURN(auto consume_config, ConsumeConfig::open(context_.configuration));
        live_config_.emplace(std::move(consume_config), context_);
        ROCOCO_ASSIGN_OR_RETURN(process_seconds_, process_buckets(context_.configuration));
        recorder_.emplace(context_.clock, MessageRecorder::Buckets{.process = process_seconds_,
                                                                   .queue = kQueueSeconds});
        adapter_ = context_.queue_kind.adapter(queue_);
        if (context_.options.wrap_adapter)
            adapter_ = context_.options.wrap_adapter(std::move(adapter_));
        reachable_.adapter = adapter_.get();
        notes_ = open_notes(context_, queue_, pool_settings_);
        crash_handler_.emplace(notes_.get(), &write_out_log);
        sender_.emplace(queue_sender_, context_.clock, kOperationSeconds);
        factory_ = processor_factory(context_, *sender_, links());
        ROCOCO_ASSIGN_OR_RETURN(
            pool_, WorkerPool::start(pool_settings_, *factory_, context_.clock, notes_.get(),
                                     [this] { adapter_->wake(); }));
        live_config_->apply();  // before the start line logs the settings
        host_.emplace(context_, queue_, adapter_->endpoint(), pool_settings_.workers,
                      MessagingHost::Parts{.recorder = *recorder_,
                                           .sender = *sender_,
                                           .calls = [this] { return pool_->running_calls(); },
                                           .wake = [this] { adapter_->wake(); }});
        ROCOCO_ASSIGN_OR_RETURN(admin_, AdminServices::start(context_, *host_));
        dispatcher_.emplace(
            dispatcher_settings(context_.configuration),
            Dispatcher::Parts{
                .adapter = *adapter_,
                .workers = *pool_,
                .notes = notes_.get(),
                .clock = context_.clock,
                .logger = logger_,
                .random = [this] { return to_fraction(context_.random()); },
                .exit_when_finished = [this] { return live_config_->exit_when_finished(); },
                .paused = [this] { return look_around(); },
                .observer = &*recorder_});
        return {};
    }

    ProcessorLinks links() {
        ProcessorLinks links{.on_broken = [this](const Error& error) { break_down(error); },
                             .on_crash = [this] { recorder_->on_crash(); }};
        if (notes_ != nullptr)
            links.keep_page = [this](std::size_t worker, int page) {
                notes_->keep_page(worker, page);
            };
        return links;
    }

    /// Processors cannot be run any more. Told by a worker, which has a message in hand.
    void break_down(const Error& error) {
        const std::scoped_lock lock(breakdown_mutex_);
        if (!breakdown_) breakdown_ = error;
        if (Dispatcher* const dispatcher = reachable_.dispatcher) dispatcher->request_drain();
    }

    /// At each turn of the dispatcher, by its thread: does what signals ask for, looks after who
    /// watches. Whether the host is to pause.
    bool look_around() {
        const SteadyTime now = context_.clock.steady_now();
        tell_systemd(now);
        look_whether_deaf(now);
        return host_->is_paused(live_config_->paused());
    }

    void tell_systemd(SteadyTime now) {
        if (recorder_->is_draining() && !std::exchange(stopping_told_, true))
            host_->say_that_it_drains();
        const auto interval = context_.systemd.watchdog_interval();
        if (!interval || now < watchdog_due_) return;
        watchdog_due_ = now + *interval;
        context_.systemd.watchdog();
    }

    /// With each answer of the queue.
    void look_whether_deaf(SteadyTime now) {
        if (now < deaf_look_due_) return;
        deaf_look_due_ = now + std::chrono::seconds(1);
        const auto depth = host_->depth();
        if (!depth || depth->at == depth_seen_at_) return;
        depth_seen_at_ = depth->at;
        const bool alarm = deaf_watch_.look({.at = now,
                                             .awaits = adapter_->awaits_messages(),
                                             .last_delivery = recorder_->last_delivery(),
                                             .ready = depth->ready});
        host_->set_deaf(deaf_watch_.deaf());
        if (!alarm) return;
        adapter_->reconnect(fmt::format("{} ready in the queue for {}, and none came",
                                        counted(*depth->ready, "message"),
                                        format_duration(deaf_watch_.patience())));
    }

    int conclude(const Result<Dispatcher::End>& end) {
        log_totals();
        if (!end) return fail(end.error());
        {
            const std::scoped_lock lock(breakdown_mutex_);
            if (breakdown_) return fail(*breakdown_);
        }
        if (*end == Dispatcher::End::drain_timeout) end_amid_work(kDrainTimeout);
        if (*end == Dispatcher::End::finished) logger_.info("The queue is empty: exiting");
        return 0;
    }

    int fail(const Error& error) {
        const int code = log_failure(logger_, error);
        if (pool_->in_hand() > 0) end_amid_work(code);
        return code;
    }

    [[noreturn]] void end_amid_work(int code) {
        // The host stops itself here, so charge the messages nothing.
        if (notes_ != nullptr) notes_->discard();
        exit_now(context_.log, code);
    }

    void log_totals() const {
        const Dispatcher::Totals& totals = dispatcher_->totals();
        logger_.info("Stopped: {} acknowledged, {} retried, {} dead-lettered, {} dropped",
                     totals.acknowledged, totals.retried, totals.dead_lettered, totals.dropped);
        if (totals.lost > 0)
            logger_.info(
                "{} more were processed, but the queue had taken them back; they are settled if it "
                "delivers them again",
                counted(totals.lost, "message"));
    }

    const HostContext& context_;
    const Logger logger_;
    const std::string queue_;
    const WorkerPool::Settings pool_settings_;

    // Each uses those above it.
    Reachable reachable_;
    const Termination termination_{&drain_or_exit, &reachable_};
    const SteeringSignals steering_{&wake_to_steer, &reachable_};
    std::mutex breakdown_mutex_;  // guards the one below
    std::optional<Error> breakdown_;
    std::optional<LiveConfig> live_config_;
    std::vector<double> process_seconds_;
    std::optional<MessageRecorder> recorder_;
    std::unique_ptr<messaging::MessageAdapter> adapter_;
    std::unique_ptr<CrashNotes> notes_;
    std::optional<CrashHandler> crash_handler_;
    LazySender queue_sender_;
    std::optional<CountingSender> sender_;
    std::unique_ptr<ProcessorFactory> factory_;
    std::unique_ptr<WorkerPool> pool_;
    std::optional<MessagingHost> host_;
    std::unique_ptr<AdminServices> admin_;
    std::optional<Dispatcher> dispatcher_;

    messaging::DeafWatch deaf_watch_;
    SteadyTime deaf_look_due_{};
    SystemTime depth_seen_at_{};
    SteadyTime watchdog_due_{};
    bool stopping_told_ = false;
};

}  // namespace

int run_messaging(const HostContext& context, const std::string& queue) {
    return MessagingRun(context, queue).run();
}

}  // namespace rococo::svchost
