// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <cstring>
#include <exception>
#include <type_traits>

#include "rococo/abi.h"
#include "rococo/context.hpp"
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

/// The C functions through which the host makes, calls and unmakes a `Processor`. Every exception
/// ends here: it becomes a settlement, or a reason why no instance could be made.
template <typename Processor>
struct Trampoline {
    static_assert(MessageProcessor<Processor> || BatchProcessor<Processor> ||
                      CronProcessor<Processor>,
                  "ROCOCO_PROCESSOR needs a class that derives from BaseServiceProcessor or "
                  "BaseBatchProcessor, or, to work on a schedule, one with a public "
                  "'void process()' or 'void process(rococo::Context&)'");
    static_assert(std::is_default_constructible_v<Processor>,
                  "the host makes processors itself: give the class a default constructor");

    static constexpr rococo_processor_kind kKind = MessageProcessor<Processor> ? ROCOCO_MESSAGES
                                                   : BatchProcessor<Processor> ? ROCOCO_BATCHES
                                                                               : ROCOCO_CRON;

    using Report = void (*)(void* report_to, rococo_string reason);

    static void* create(void* report_to, Report report) noexcept {
        try {
            return new Processor();
        } catch (const std::exception& error) {
            report(report_to, string(error.what()));
        } catch (...) {
            report(report_to, string("an exception that is not a std::exception"));
        }
        return nullptr;
    }

    static void destroy(void* instance) noexcept { delete static_cast<Processor*>(instance); }

    static void process(void* instance, const rococo_call* call, const rococo_message* messages,
                        std::size_t count) noexcept {
        Context context(*call);
        try {
            run(*static_cast<Processor*>(instance), context, *call, messages, count);
        } catch (const PermanentError& error) {
            settle_rest(*call, ROCOCO_PERMANENT, {}, error.what());
        } catch (const RetryAfter& error) {
            settle_rest(*call, ROCOCO_RETRY_AFTER, error.delay(), error.what());
        } catch (const std::exception& error) {
            settle_rest(*call, ROCOCO_FAILED, {}, error.what());
        } catch (...) {
            settle_rest(*call, ROCOCO_FAILED, {}, "an exception that is not a std::exception");
        }
    }

private:
    static void run(Processor& processor, Context& context, const rococo_call& call,
                    const rococo_message* messages, std::size_t count) {
        if constexpr (MessageProcessor<Processor>) {
            const ContextDuring during(processor, context);
            processor.process(messaging::Message(*messages));
        } else if constexpr (BatchProcessor<Processor>) {
            const ContextDuring during(processor, context);
            messaging::Batch batch(call, messages, count);
            processor.process(batch);
        } else if constexpr (requires { processor.process(context); }) {
            processor.process(context);
        } else {
            processor.process();
        }
    }

    /// Makes `context()` of the processor work while one call runs, however the call ends.
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

    static void settle_rest(const rococo_call& call, rococo_outcome outcome,
                            std::chrono::microseconds delay, const char* error) {
        call.settle(call.self, ROCOCO_REST, outcome, delay.count(), string(error));
    }

    static rococo_string string(const char* text) { return {text, std::strlen(text)}; }
};

}  // namespace rococo::detail
