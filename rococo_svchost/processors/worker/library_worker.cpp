// SPDX-License-Identifier: MIT
#include "library_worker.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <utility>

#include "pipes.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/observability/host_log.hpp"
#include "rococo_svchost/processors/processor_choice.hpp"

namespace rococo::svchost::child {

namespace {

std::string_view name_of(Outcome::Kind kind) {
    switch (kind) {
        case Outcome::Kind::retry_after:
            return "retry_after";
        case Outcome::Kind::permanent:
            return "permanent";
        default:
            return "failed";
    }
}

std::string_view kind_of(const ProcessorInfo& processor) {
    if (processor.work == Work::schedule) return "schedule";
    return processor.takes_batches ? "batches" : "messages";
}

tl::unexpected<Error> out_of_turn(const Frame& frame) {
    return failure(ErrorKind::internal,
                   fmt::format("svchost sent a frame of kind {} out of turn", frame.kind));
}

}  // namespace

LibraryWorker::LibraryWorker(std::filesystem::path library, FileDescriptor work, HostCalls& calls,
                             WorkerPage page)
    : library_(std::move(library)), work_(std::move(work)), calls_(calls), page_(std::move(page)) {}

Result<void> LibraryWorker::run() {
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(const auto frame, receive());
        if (!frame) return {};
        ROCOCO_ASSIGN_OR_RETURN(const bool goes_on, take(*frame));
        if (!goes_on) return {};
    }
}

void LibraryWorker::refuse(const Error& error) {
    send(Report::refused, 0, {{"stage", "choice"}, {"text", error.message}});
}

Result<std::optional<Frame>> LibraryWorker::receive() {
    while (true) {
        ROCOCO_ASSIGN_OR_RETURN(auto frame, reader_.next());
        if (frame) return frame;
        pollfd readable{work_.get(), POLLIN, 0};
        ::poll(&readable, 1, -1);
        if (!reader_.read(work_.get())) return std::nullopt;
    }
}

void LibraryWorker::send(Report report, std::uint64_t seq, const Json& meta) {
    const std::string text =
        meta.is_null() ? "" : meta.dump(-1, ' ', false, Json::error_handler_t::replace);
    std::string frame;
    append_header(frame, static_cast<std::uint8_t>(report), text.size(), 0, seq);
    frame += text;
    (void)send_all(work_, frame);  // where the host has gone, `receive` finds it
}

Result<bool> LibraryWorker::take(const Frame& frame) {
    const auto kind = static_cast<std::uint8_t>(frame.kind & ~kLastOfWindow);
    switch (static_cast<Order>(kind)) {
        case Order::hello:
            ROCOCO_TRY(load(Json::parse(frame.meta)));
            return true;
        case Order::start:
            ROCOCO_TRY(make_instance());
            return true;
        case Order::message: {
            if (!processor_) return out_of_turn(frame);
            const std::uint64_t seq = frame.seq;
            ROCOCO_TRY(message(frame));
            if (kind != frame.kind) end_window(seq);
            return true;
        }
        case Order::run:
            if (!processor_) return out_of_turn(frame);
            run_of_schedule(frame);
            return true;
        case Order::stop:
            return false;
        default:
            if ((frame.kind & kMayBeIgnored) != 0) return true;
            return out_of_turn(frame);
    }
}

Result<void> LibraryWorker::load(const Json& hello) {
    process_timeout_ =
        std::chrono::microseconds(hello.value("process_timeout_us", std::int64_t{0}));
    queue_prefix_ = hello.value("queue_prefix", "");
    calls_.set_log_level(log_level(hello.value("log_level", "INFO")));
    const Work work =
        hello.value("work", "messages") == "schedule" ? Work::schedule : Work::messages;
    ROCOCO_ASSIGN_OR_RETURN(service_, LibraryService::load(library_));
    ROCOCO_ASSIGN_OR_RETURN(
        auto chosen,
        choose_processor(*service_, work, hello.value("module", ""), hello.value("type", "")));
    chosen_ = std::move(chosen.processor);
    factory_ = service_->factory(
        chosen_,
        {.sender = calls_, .clock = clock_, .log = calls_.log(), .queue_prefix = queue_prefix_});
    send(Report::ready, 0,
         {{"protocol", kProtocol},
          {"package", service_->package()},
          {"version", service_->version()},
          {"sdk", service_->sdk_version()},
          {"module", chosen_.module},
          {"type", chosen_.type},
          {"kind", kind_of(chosen_)},
          {"notes", chosen.notes}});
    return {};
}

Result<void> LibraryWorker::make_instance() {
    if (!factory_) return failure(ErrorKind::internal, "svchost sent no greeting");
    ROCOCO_ASSIGN_OR_RETURN(processor_, factory_->create());
    send(Report::started, 0);
    return {};
}

Result<void> LibraryWorker::message(const Frame& frame) {
    if (frame.seq <= passed_over_) return {};
    try {
        batch_.push_back(std::make_unique<FramedDelivery>(frame));
    } catch (const Json::exception& error) {
        return failure(ErrorKind::internal,
                       fmt::format("svchost sent metadata that cannot be read: {}", error.what()));
    }
    if (batch_.size() < std::max<std::size_t>(1, batch_.front()->batch_size())) return {};
    const auto complete = std::exchange(batch_, {});
    process(complete);
    return {};
}

void LibraryWorker::process(std::span<const std::unique_ptr<FramedDelivery>> deliveries) {
    const std::uint64_t first = deliveries.front()->seq();
    const std::uint64_t last = deliveries.back()->seq();
    if (!page_.begin(last)) return returned(first, last);
    std::vector<const messaging::Delivery*> pointers;
    std::vector<std::uint32_t> attempts;
    pointers.reserve(deliveries.size());
    attempts.reserve(deliveries.size());
    for (const auto& delivery : deliveries) {
        pointers.push_back(delivery.get());
        attempts.push_back(delivery->attempt);
    }
    call({.attempts = attempts}, pointers, first);
    page_.end(last);
}

void LibraryWorker::run_of_schedule(const Frame& frame) {
    const Json meta = Json::parse(frame.meta);
    const std::uint32_t attempt = meta.value("attempt", std::uint32_t{1});
    (void)page_.begin(frame.seq);
    call({.attempts = {&attempt, 1},
          .scheduled_at =
              SystemTime(std::chrono::microseconds(meta.value("scheduled_at", std::int64_t{0})))},
         {}, frame.seq);
    page_.end(frame.seq);
    end_window(frame.seq);
}

void LibraryWorker::call(Call call, std::span<const messaging::Delivery* const> deliveries,
                         std::uint64_t first) {
    if (process_timeout_.count() != 0) call.deadline = clock_.steady_now() + process_timeout_;
    call.cancelled = &page_.cancelled();
    std::vector<Outcome> outcomes(std::max<std::size_t>(1, deliveries.size()));
    processor_->process(call, deliveries, outcomes);
    // What failed is said before the page says that it has ended.
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (outcomes[i].kind == Outcome::Kind::ok) continue;
        send(Report::failed, first + i,
             {{"outcome", name_of(outcomes[i].kind)},
              {"delay_us", outcomes[i].delay.count()},
              {"error", outcomes[i].error}});
    }
}

void LibraryWorker::returned(std::uint64_t first, std::uint64_t last) {
    passed_over_ = page_.retracted_up_to();
    for (std::uint64_t seq = first; seq <= last; ++seq) send(Report::returned, seq);
}

void LibraryWorker::end_window(std::uint64_t last) {
    if (last <= passed_over_) {
        // What was passed over is behind us: the page keeps up with the numbers of the next window.
        (void)page_.begin(last);
        page_.end(last);
    }
    send(Report::done, last);
}

}  // namespace rococo::svchost::child
