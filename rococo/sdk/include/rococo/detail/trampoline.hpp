// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <string_view>
#include <type_traits>
#include <vector>

#include "rococo/abi.h"
#include "rococo/context.hpp"
#include "rococo/detail/call.hpp"
#include "rococo/errors.hpp"
#include "rococo/messaging/base_service_processor.hpp"

namespace rococo::detail {

template <typename Processor>
concept MessageProcessor = std::is_base_of_v<messaging::BaseServiceProcessor, Processor>;

template <typename Processor>
concept BatchProcessor = std::is_base_of_v<messaging::BaseBatchProcessor, Processor>;

template <typename Processor>
concept CronProcessor =
    !MessageProcessor<Processor> && !BatchProcessor<Processor> &&
    (
        requires(Processor & processor) { processor.process(); } ||
        requires(Processor & processor, Context& context) { processor.process(context); });

/// The C functions through which the host creates, calls and destroys a `Processor`. No exception
/// gets past them: each becomes a settlement, or the reason why no instance could be created.
template <typename Processor>
struct Trampoline {
    static_assert(MessageProcessor<Processor> || BatchProcessor<Processor> ||
                      CronProcessor<Processor>,
                  "ROCOCO_PROCESSOR needs a class that derives from BaseServiceProcessor or "
                  "BaseBatchProcessor, or, to work on a schedule, one with a public "
                  "'void process()' or 'void process(rococo::Context&)'");
    static constexpr bool kDerivesInPublic =
        MessageProcessor<Processor>
            ? std::is_convertible_v<Processor*, messaging::BaseServiceProcessor*>
        : BatchProcessor<Processor>
            ? std::is_convertible_v<Processor*, messaging::BaseBatchProcessor*>
            : true;
    static_assert(kDerivesInPublic,
                  "derive publicly: 'class OrderProcessor : public BaseServiceProcessor'");
    static_assert(!std::is_abstract_v<Processor> || BatchProcessor<Processor>,
                  "the processor lacks its function: give it exactly "
                  "'void process(const rococo::messaging::Message& message) override'");
    static_assert(!std::is_abstract_v<Processor> || !BatchProcessor<Processor>,
                  "the processor lacks its function: give it exactly "
                  "'void process(rococo::messaging::Batch& batch) override'");
    static_assert(std::is_abstract_v<Processor> || std::is_default_constructible_v<Processor>,
                  "the host makes processors itself: give the class a default constructor");
    // If one of these assertions fails, the code below must not add errors of its own.
    static constexpr bool kUsable =
        kDerivesInPublic && std::is_default_constructible_v<Processor> &&
        (MessageProcessor<Processor> || BatchProcessor<Processor> || CronProcessor<Processor>);

    static constexpr rococo_processor_kind kKind = MessageProcessor<Processor> ? ROCOCO_MESSAGES
                                                   : BatchProcessor<Processor> ? ROCOCO_BATCHES
                                                                               : ROCOCO_CRON;

    using Report = void (*)(void* report_to, rococo_string reason);

    static void* create(void* report_to, Report report) noexcept {
        try {
            if constexpr (kUsable) return new Processor();
        } catch (const std::exception& error) {
            report(report_to, string(error.what()));
        } catch (...) {
            report(report_to, string(kNoException));
        }
        return nullptr;
    }

    static void destroy(void* instance) noexcept {
        try {
            delete static_cast<Processor*>(instance);
        } catch (...) {  // NOLINT(bugprone-empty-catch): nobody to report it to
        }
    }

    static void process(void* instance, const rococo_call* call, const rococo_message* messages,
                        std::size_t count) noexcept {
        Context context(*call);
        try {
            if constexpr (kUsable)
                run(*static_cast<Processor*>(instance), context, *call, messages, count);
        } catch (...) {
            settle_by_exception(*call, ROCOCO_REST);
        }
    }

private:
    static constexpr const char* kNoException = "an exception that is not a std::exception";

    static void run(Processor& processor, Context& context, const rococo_call& call,
                    const rococo_message* messages, std::size_t count) {
        if constexpr (MessageProcessor<Processor>) {
            const ContextDuring during(processor, context);
            // Calls through the public base, in case the class overrides `process` in a private
            // section.
            messaging::BaseServiceProcessor& base = processor;
            base.process(messaging::Message(*messages, properties_of(call, 0)));
        } else if constexpr (BatchProcessor<Processor>) {
            const ContextDuring during(processor, context);
            run_batch(processor, call, messages, count);
        } else if constexpr (requires { processor.process(context); }) {
            processor.process(context);
        } else {
            processor.process();
        }
    }

    /// Processes the batch. If it fails because of one message's JSON, each unsettled message is
    /// processed again in a batch of one, so that the others do not become dead letters with it.
    static void run_batch(messaging::BaseBatchProcessor& processor, const rococo_call& call,
                          const rococo_message* messages, std::size_t count) {
        SettlementRecord record(call, count);
        try {
            messaging::Batch batch(record.call(), messages, count);
            processor.process(batch);
            return;
        } catch (const std::exception& error) {
            if (count == 1 || !is_json_error(error)) throw;
        }
        for (std::size_t i = 0; i < count; ++i) {
            if (record.settled(i)) continue;
            try {
                messaging::Batch batch(call, messages, 1, i);
                processor.process(batch);
            } catch (...) {
                settle_by_exception(call, i);
            }
        }
    }

    /// Call while an exception is being handled: turns it into the outcome of a message or
    /// ROCOCO_REST.
    static void settle_by_exception(const rococo_call& call, std::size_t index) noexcept {
        try {
            throw;
        } catch (const PermanentError& error) {
            settle(call, index, ROCOCO_PERMANENT, {}, error.what());
        } catch (const RetryAfter& error) {
            settle(call, index, ROCOCO_RETRY_AFTER, error.delay(), error.what());
        } catch (const std::exception& error) {
            settle(call, index, is_json_error(error) ? ROCOCO_PERMANENT : ROCOCO_FAILED, {},
                   error.what());
        } catch (...) {
            settle(call, index, ROCOCO_FAILED, {}, kNoException);
        }
    }

    /// Whether this is a JSON error. nlohmann's exceptions are recognised by how their texts begin
    /// (https://json.nlohmann.me/home/exceptions/), because not every service includes the library,
    /// and a service may contain several versions of it, with different types.
    static bool is_json_error(const std::exception& error) noexcept {
        if (dynamic_cast<const JsonError*>(&error) != nullptr) return true;
        const char* text = error.what();
        return text != nullptr && std::string_view(text).starts_with("[json.exception.");
    }

    /// Wraps a call's `settle` and records which messages have been settled.
    class SettlementRecord {
    public:
        SettlementRecord(const rococo_call& call, std::size_t count)
            : real_(call), settled_(count) {
            // The host's version of this struct may be shorter or longer.
            std::memcpy(&call_, &call, std::min(call.struct_size, sizeof call_));
            call_.struct_size = std::min(call.struct_size, sizeof call_);
            call_.self = this;
            call_.settle = &settle;
        }
        SettlementRecord(const SettlementRecord&) = delete;
        SettlementRecord& operator=(const SettlementRecord&) = delete;

        /// Only `settle` is replaced; other functions go to the real call.
        [[nodiscard]] const rococo_call& call() const { return call_; }
        [[nodiscard]] bool settled(std::size_t index) const { return settled_[index] != 0; }

    private:
        static void settle(void* self, std::size_t index, int outcome, std::int64_t delay_us,
                           rococo_string error) {
            auto& record = *static_cast<SettlementRecord*>(self);
            if (index < record.settled_.size()) record.settled_[index] = 1;
            record.real_.settle(record.real_.self, index, outcome, delay_us, error);
        }

        rococo_call call_{};
        const rococo_call& real_;
        std::vector<unsigned char> settled_;  // bytes: threads may settle different messages
    };

    /// Makes the processor's `context()` work during one call, however that call ends.
    class ContextDuring {
    public:
        ContextDuring(messaging::ProcessorWithContext& processor, Context& context)
            : processor_(processor) {
            processor_.context_ = &context;
        }
        ~ContextDuring() { processor_.context_ = nullptr; }
        ContextDuring(const ContextDuring&) = delete;
        ContextDuring& operator=(const ContextDuring&) = delete;

    private:
        messaging::ProcessorWithContext& processor_;
    };

    static void settle(const rococo_call& call, std::size_t index, rococo_outcome outcome,
                       std::chrono::microseconds delay, const char* error) noexcept {
        call.settle(call.self, index, outcome, delay.count(), string(error));
    }

    static rococo_string string(const char* text) noexcept {
        return {text, text == nullptr ? 0 : std::strlen(text)};
    }
};

}  // namespace rococo::detail
