// SPDX-License-Identifier: MIT
#pragma once

/// For unit tests of processors without a broker or host, in any test framework:
///
///     rococo::testing::ProcessorTester<OrderProcessor> tester;
///     const auto result = tester.process(R"({"order": 7})");
///     EXPECT_EQ(result.outcome, rococo::testing::Outcome::ack);
///     EXPECT_EQ(tester.sent().at(0).queue, "invoices");
///
/// The processor is called through the same code as in the host, so exceptions have the same
/// outcome.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo/abi.h"
#include "rococo/context.hpp"
#include "rococo/detail/trampoline.hpp"
#include "rococo/service_logger.hpp"

namespace rococo::testing {

/// What the host would do with the message.
enum class Outcome {
    ack,    ///< `process` returned.
    retry,  ///< It threw: retried with the host's backoff, dead-lettered after `MAX_ATTEMPTS`.
    retry_after,  ///< It threw `RetryAfter`.
    dead_letter,  ///< It threw `PermanentError` or a JSON error.
};

/// Prints the enumerator's name, so that test frameworks show it when an expectation fails.
inline std::ostream& operator<<(std::ostream& stream, Outcome outcome) {
    switch (outcome) {
        case Outcome::ack:
            return stream << "ack";
        case Outcome::retry:
            return stream << "retry";
        case Outcome::retry_after:
            return stream << "retry_after";
        case Outcome::dead_letter:
            break;
    }
    return stream << "dead_letter";
}

/// How one message was settled.
struct Result {
    Outcome outcome = Outcome::ack;
    std::string error;                  ///< The exception's text; empty for `ack`.
    std::chrono::microseconds delay{};  ///< Set for `retry_after`.
};

/// Prints, for example, `retry: no connection to the database`.
inline std::ostream& operator<<(std::ostream& stream, const Result& result) {
    stream << result.outcome;
    return result.error.empty() ? stream : stream << ": " << result.error;
}

/// A message to pass to a processor. Everything except the body has a sensible default.
struct TestMessage {
    std::string body{};
    std::string id = "test-message";
    std::string queue = "test-queue";
    std::string content_type = "application/json";
    std::string correlation_id{};
    std::vector<std::pair<std::string, std::string>> headers{};
    std::uint32_t attempt = 1;
    std::chrono::system_clock::time_point sent_at{};
    std::string content_encoding{};
    std::string reply_to{};
    std::string type{};
    std::string app_id{};
    std::optional<std::uint8_t> priority{};
    bool redelivered = false;
};

/// A message that the processor sent.
struct SentMessage {
    std::string queue;
    std::string body;
    std::string id;
    std::string content_type;
    std::string correlation_id;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string content_encoding;
    std::string reply_to;
    std::string type;
    std::string app_id;
    std::optional<std::uint8_t> priority;
};

/// A line that the processor logged.
struct LogLine {
    LogLevel level;
    std::string text;
};

/// One instance of a processor, with a simulated host.
///
/// **Thread-safety**: use it from one thread. The processor itself may log and send from several.
/// **Ownership**: owns the processor. Use one tester at a time: `rococo::logger()` writes to the
/// newest.
template <typename Processor>
class ProcessorTester {
public:
    /// Creates the processor. Throws `std::runtime_error` with the reason if that fails.
    ProcessorTester() {
        const rococo_host host{sizeof(rococo_host), this, &log_enabled, &log_write};
        rococo::detail::attached_host.attach(host);
        std::string reason;
        instance_ = Trampoline::create(&reason, &assign);
        if (instance_ == nullptr) throw std::runtime_error(reason);
    }
    ~ProcessorTester() {
        Trampoline::destroy(instance_);
        rococo::detail::attached_host = {};
    }
    ProcessorTester(const ProcessorTester&) = delete;
    ProcessorTester& operator=(const ProcessorTester&) = delete;

    /// Processes one message.
    Result process(const TestMessage& message) { return process_batch({message}).front(); }
    /// Processes a message with this body and defaults for everything else.
    Result process(std::string_view body) {
        TestMessage message;
        message.body = body;
        return process(message);
    }

    /// Processes several messages, in one call if it is a batch processor. Returns one result for
    /// each.
    std::vector<Result> process_batch(const std::vector<TestMessage>& messages) {
        static_assert(Trampoline::kKind != ROCOCO_CRON,
                      "a cron processor takes no messages: run()");
        std::vector<Result> results;
        if constexpr (Trampoline::kKind == ROCOCO_BATCHES) {
            call(messages, 0, messages.size(), results);
        } else {
            for (std::size_t i = 0; i < messages.size(); ++i) call(messages, i, 1, results);
        }
        return results;
    }

    /// Runs a cron processor once, as if it had been due at that time.
    Result run(
        std::chrono::system_clock::time_point scheduled_at = std::chrono::system_clock::now()) {
        static_assert(Trampoline::kKind == ROCOCO_CRON, "this processor takes messages: process()");
        scheduled_at_ = scheduled_at;
        std::vector<Result> results;
        call({}, 0, 0, results);
        return results.front();
    }

    /// The processor itself, for checking its state.
    [[nodiscard]] Processor& processor() { return *static_cast<Processor*>(instance_); }
    /// The messages sent so far.
    [[nodiscard]] const std::vector<SentMessage>& sent() const { return sent_; }
    /// The lines logged so far, at every level.
    [[nodiscard]] const std::vector<LogLine>& log() const { return log_; }

    /// Makes every later `send_message` fail with this reason, as if the broker were down. An empty
    /// reason makes sending work again.
    void fail_sends(std::string reason) { send_failure_ = std::move(reason); }
    /// Makes `context().cancelled()` true, as at the end of a drain.
    void cancel() { cancelled_ = true; }
    /// The prefix that `context().queue(name)` adds; empty by default.
    void set_queue_prefix(std::string prefix) { queue_prefix_ = std::move(prefix); }
    /// Sets the value of `context().time_left()`.
    void set_time_left(std::chrono::microseconds left) { time_left_ = left; }

private:
    using Trampoline = rococo::detail::Trampoline<Processor>;

    struct Call {
        ProcessorTester* tester;
        std::vector<Result> results;
        std::vector<unsigned char> settled;  // bytes: threads may settle different messages
    };

    void call(const std::vector<TestMessage>& messages, std::size_t first, std::size_t count,
              std::vector<Result>& results) {
        std::vector<std::vector<rococo_header>> headers(count);
        std::vector<rococo_message> fields(count);
        std::vector<rococo_properties> properties(count);
        std::vector<const rococo_properties*> properties_of_each(count);
        for (std::size_t i = 0; i < count; ++i) {
            const TestMessage& message = messages[first + i];
            for (const auto& [name, value] : message.headers) {
                headers[i].push_back({string(name), string(value)});
            }
            fields[i] = {sizeof(rococo_message),
                         string(message.body),
                         string(message.id),
                         string(message.queue),
                         string(message.content_type),
                         string(message.correlation_id),
                         headers[i].data(),
                         headers[i].size(),
                         microseconds(message.sent_at),
                         message.attempt};
            properties[i] = {sizeof(rococo_properties),
                             string(message.content_encoding),
                             string(message.reply_to),
                             string(message.type),
                             string(message.app_id),
                             message.priority ? *message.priority : ROCOCO_NO_PRIORITY,
                             message.redelivered};
            properties_of_each[i] = &properties[i];
        }
        const std::size_t settlements = count == 0 ? 1 : count;  // a cron run has one outcome
        Call state{this, std::vector<Result>(settlements), std::vector<unsigned char>(settlements)};
        rococo_call functions{sizeof(rococo_call),
                              &state,
                              &settle,
                              &send,
                              &is_cancelled,
                              &time_left_us,
                              1,
                              0,
                              properties_of_each.data(),
                              string(queue_prefix_)};
        functions.attempt = count == 1 ? fields[0].attempt : 1;
        functions.scheduled_at_us = count == 0 ? microseconds(scheduled_at_) : 0;
        Trampoline::process(instance_, &functions, fields.data(), count);
        results.insert(results.end(), state.results.begin(), state.results.end());
    }

    static void settle(void* self, std::size_t index, int outcome, std::int64_t delay_us,
                       rococo_string error) {
        Call& call = *static_cast<Call*>(self);
        const Result result{to_outcome(outcome), std::string(error.data, error.size),
                            std::chrono::microseconds(delay_us)};
        for (std::size_t i = 0; i < call.results.size(); ++i) {
            if (index == ROCOCO_REST ? call.settled[i] != 0 : index != i) continue;
            call.results[i] = result;
            call.settled[i] = 1;
        }
    }

    static Outcome to_outcome(int outcome) {
        switch (outcome) {
            case ROCOCO_OK:
                return Outcome::ack;
            case ROCOCO_RETRY_AFTER:
                return Outcome::retry_after;
            case ROCOCO_PERMANENT:
                return Outcome::dead_letter;
            default:
                return Outcome::retry;
        }
    }

    static bool send(void* self, const rococo_outgoing* message, void* report_to,
                     void (*report)(void*, rococo_string)) {
        ProcessorTester& tester = *static_cast<Call*>(self)->tester;
        const std::scoped_lock lock(tester.mutex_);
        if (!tester.send_failure_.empty()) {
            report(report_to, string(tester.send_failure_));
            return false;
        }
        SentMessage sent{text(message->queue),
                         text(message->body),
                         text(message->id),
                         text(message->content_type),
                         text(message->correlation_id),
                         {},
                         text(message->content_encoding),
                         text(message->reply_to),
                         text(message->type),
                         text(message->app_id),
                         {}};
        if (message->priority >= 0) sent.priority = static_cast<std::uint8_t>(message->priority);
        for (std::size_t i = 0; i < message->header_count; ++i) {
            sent.headers.emplace_back(text(message->headers[i].name),
                                      text(message->headers[i].value));
        }
        tester.sent_.push_back(std::move(sent));
        return true;
    }

    static bool is_cancelled(void* self) { return static_cast<Call*>(self)->tester->cancelled_; }
    static std::int64_t time_left_us(void* self) {
        return static_cast<Call*>(self)->tester->time_left_.count();
    }
    static bool log_enabled(void* /*self*/, int /*level*/) { return true; }
    static void log_write(void* self, int level, const char* /*file*/, unsigned /*line*/,
                          const char* line_text, std::size_t text_size) {
        ProcessorTester& tester = *static_cast<ProcessorTester*>(self);
        const std::scoped_lock lock(tester.mutex_);
        tester.log_.push_back({static_cast<LogLevel>(level), std::string(line_text, text_size)});
    }
    static void assign(void* to, rococo_string reason) {
        static_cast<std::string*>(to)->assign(reason.data, reason.size);
    }

    static std::int64_t microseconds(std::chrono::system_clock::time_point time) {
        return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch())
            .count();
    }
    static rococo_string string(std::string_view view) { return {view.data(), view.size()}; }
    static std::string text(rococo_string view) { return {view.data, view.size}; }

    void* instance_ = nullptr;
    std::mutex mutex_;  // guards sent_ and log_: a processor may start threads
    std::vector<SentMessage> sent_;
    std::vector<LogLine> log_;
    std::string send_failure_;
    std::string queue_prefix_;
    bool cancelled_ = false;
    std::chrono::microseconds time_left_ = std::chrono::microseconds::max();
    std::chrono::system_clock::time_point scheduled_at_{};
};

}  // namespace rococo::testing
