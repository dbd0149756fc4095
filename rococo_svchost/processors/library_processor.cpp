// SPDX-License-Identifier: MIT
// The processors of a `LibraryService`, called over the C ABI.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rococo_svchost/processors/library_service.hpp"

namespace rococo::svchost {

namespace {

using messaging::Delivery;
using messaging::HeaderView;
using messaging::OutgoingMessage;

constexpr std::int32_t kMostPriority = 255;

rococo_string to_abi(std::string_view text) { return {text.data(), text.size()}; }
std::string_view from_abi(rococo_string text) { return {text.data, text.size}; }

/// A copy of an error's text; empty without the memory for it, because the outcome matters more.
std::string copy_of(rococo_string error) noexcept {
    try {
        return std::string(from_abi(error));
    } catch (...) {
        return {};
    }
}

/// A delay that can be added to any current time without overflow.
std::chrono::microseconds believable(std::int64_t delay_us) {
    constexpr std::chrono::microseconds kLongest = std::chrono::years(100);
    return std::clamp(std::chrono::microseconds(delay_us), {}, kLongest);
}

Outcome::Kind kind_of(int outcome) {
    switch (outcome) {
        case ROCOCO_OK:
            return Outcome::Kind::ok;
        case ROCOCO_RETRY_AFTER:
            return Outcome::Kind::retry_after;
        case ROCOCO_PERMANENT:
            return Outcome::Kind::permanent;
        default:
            return Outcome::Kind::failed;
    }
}

/// Members that a service of version 1.0 does not have are treated as absent.
bool has_properties(const rococo_outgoing& message) {
    return message.struct_size >=
           offsetof(rococo_outgoing, priority) + sizeof(rococo_outgoing::priority);
}

OutgoingMessage outgoing(const rococo_outgoing& message) {
    OutgoingMessage result{.body = std::string(from_abi(message.body)),
                           .id = std::string(from_abi(message.id)),
                           .content_type = std::string(from_abi(message.content_type)),
                           .correlation_id = std::string(from_abi(message.correlation_id)),
                           .headers = {}};
    for (std::size_t i = 0; i < message.header_count; ++i) {
        result.headers.emplace_back(from_abi(message.headers[i].name),
                                    from_abi(message.headers[i].value));
    }
    if (!has_properties(message)) return result;
    result.content_encoding = from_abi(message.content_encoding);
    result.reply_to = from_abi(message.reply_to);
    result.type = from_abi(message.type);
    result.app_id = from_abi(message.app_id);
    if (message.priority >= 0 && message.priority <= kMostPriority) {
        result.priority = static_cast<std::uint8_t>(message.priority);
    }
    return result;
}

/// The state of one `rococo_call`.
struct CallState {
    CallServices services;
    std::span<Outcome> outcomes;
    std::vector<unsigned char>& known;  // bytes: threads may report different messages

    static CallState& of(void* self) { return *static_cast<CallState*>(self); }

    void set(std::size_t index, Outcome outcome) noexcept {
        outcomes[index] = std::move(outcome);
        known[index] = 1;
    }
    /// Sets all outcomes not known yet.
    void set_rest(Outcome::Kind kind, std::chrono::microseconds delay,
                  rococo_string error) noexcept {
        for (std::size_t i = 0; i < outcomes.size(); ++i) {
            if (known[i] == 0) set(i, {kind, delay, copy_of(error)});
        }
    }
};

// The functions that the service calls. No exception may leave them, because the service may be
// written in C or use another standard library.

void report_outcome(void* self, std::size_t index, int outcome, std::int64_t delay_us,
                    rococo_string error) noexcept {
    CallState& state = CallState::of(self);
    const auto kind = kind_of(outcome);
    const auto delay = believable(delay_us);
    if (index < state.outcomes.size()) state.set(index, {kind, delay, copy_of(error)});
    if (index == ROCOCO_REST) state.set_rest(kind, delay, error);
}

/// Passes the reason to the service, whose function may throw.
void tell(void* report_to, void (*report)(void* report_to, rococo_string reason),
          std::string_view reason) noexcept {
    try {
        report(report_to, to_abi(reason));
    } catch (...) {  // NOLINT(bugprone-empty-catch): the service still gets "false"
    }
}

bool send(void* self, const rococo_outgoing* message, void* report_to,
          void (*report)(void* report_to, rococo_string reason)) noexcept {
    try {
        const auto sent =
            CallState::of(self).services.send(from_abi(message->queue), outgoing(*message));
        if (!sent) tell(report_to, report, sent.error().message);
        return sent.has_value();
    } catch (const std::exception& error) {
        tell(report_to, report, error.what());
    } catch (...) {
        tell(report_to, report, "the sender failed for an unknown reason");
    }
    return false;
}

bool cancelled(void* self) noexcept { return CallState::of(self).services.cancelled(); }

std::int64_t time_left_us(void* self) noexcept {
    return CallState::of(self).services.time_left().count();
}

/// One instance in the service's library. Its buffers are reused between calls.
class LibraryProcessor final : public Processor {
public:
    LibraryProcessor(const rococo_processor& processor, void* instance, HostServices host)
        : processor_(processor), instance_(instance), host_(std::move(host)) {}
    ~LibraryProcessor() override { processor_.destroy(instance_); }
    LibraryProcessor(const LibraryProcessor&) = delete;
    LibraryProcessor& operator=(const LibraryProcessor&) = delete;

    void process(const Call& call, std::span<const Delivery* const> deliveries,
                 std::span<Outcome> outcomes) override {
        describe(deliveries, call.attempts);
        known_.assign(outcomes.size(), 0);
        CallState state{{host_, call}, outcomes, known_};
        const rococo_call functions{sizeof(rococo_call),
                                    &state,
                                    &report_outcome,
                                    &send,
                                    &cancelled,
                                    &time_left_us,
                                    call.attempts.size() == 1 ? call.attempts.front() : 1,
                                    call.scheduled_at.time_since_epoch().count(),
                                    property_pointers_.data(),
                                    to_abi(state.services.queue_prefix())};
        try {
            processor_.process(instance_, &functions, messages_.data(), messages_.size());
        } catch (...) {  // only possible if the service was not built with our SDK
            state.set_rest(Outcome::Kind::failed, {},
                           to_abi("an exception escaped from the service's library"));
        }
    }

private:
    /// Converts the deliveries to the ABI's structs. All headers are in one array.
    void describe(std::span<const Delivery* const> deliveries,
                  std::span<const std::uint32_t> attempts) {
        messages_.clear();
        headers_.clear();
        properties_.clear();
        properties_.reserve(deliveries.size());  // pointers into it stay valid
        property_pointers_.clear();
        std::size_t header_count = 0;
        for (const Delivery* delivery : deliveries) header_count += delivery->headers.size();
        headers_.reserve(header_count);  // so that pointers into it stay valid
        for (const Delivery* delivery : deliveries) {
            const rococo_header* first_header = headers_.data() + headers_.size();
            for (const HeaderView& header : delivery->headers) {
                headers_.push_back({to_abi(header.name), to_abi(header.value)});
            }
            messages_.push_back(
                {sizeof(rococo_message), to_abi(delivery->body), to_abi(delivery->id),
                 to_abi(delivery->queue), to_abi(delivery->content_type),
                 to_abi(delivery->correlation_id), first_header, delivery->headers.size(),
                 delivery->sent_at.time_since_epoch().count(), attempts[messages_.size()]});
            properties_.push_back(properties_of(*delivery));
            property_pointers_.push_back(&properties_.back());
        }
    }

    static rococo_properties properties_of(const Delivery& delivery) {
        return {
            sizeof(rococo_properties), to_abi(delivery.content_encoding),
            to_abi(delivery.reply_to), to_abi(delivery.type),
            to_abi(delivery.app_id),   delivery.priority ? *delivery.priority : ROCOCO_NO_PRIORITY,
            delivery.redelivered};
    }

    const rococo_processor& processor_;
    void* instance_;
    const HostServices host_;
    std::vector<rococo_message> messages_;
    std::vector<rococo_properties> properties_;
    std::vector<const rococo_properties*> property_pointers_;
    std::vector<rococo_header> headers_;
    std::vector<unsigned char> known_;
};

class LibraryProcessorFactory final : public ProcessorFactory {
public:
    LibraryProcessorFactory(const rococo_processor& processor, HostServices host)
        : processor_(processor), host_(std::move(host)) {}

    Result<std::unique_ptr<Processor>> create() override {
        std::string reason;
        void* instance = processor_.create(&reason, [](void* to, rococo_string text) {
            *static_cast<std::string*>(to) = copy_of(text);
        });
        if (instance == nullptr) {
            return failure(ErrorKind::service, fmt::format("the constructor of {} failed: {}",
                                                           processor_.type, reason));
        }
        return std::make_unique<LibraryProcessor>(processor_, instance, host_);
    }

private:
    const rococo_processor& processor_;
    const HostServices host_;
};

}  // namespace

std::unique_ptr<ProcessorFactory> LibraryService::factory(const ProcessorInfo& processor,
                                                          HostServices host) const {
    static rococo_host log{};  // lives as long as the process, as services may rely on
    log = {sizeof(rococo_host), host.log.self, host.log.enabled, host.log.write};
    descriptor_.attach(&log);
    const std::span all(descriptor_.processors, descriptor_.processor_count);
    const auto meant = std::ranges::find_if(all, [&](const rococo_processor* one) {
        return one->type == processor.type && one->module == processor.module;
    });
    return std::make_unique<LibraryProcessorFactory>(**meant, std::move(host));
}

}  // namespace rococo::svchost
