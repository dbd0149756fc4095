// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/library_processor.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace rococo::svchost {

namespace {

using messaging::Delivery;
using messaging::HeaderView;
using messaging::OutgoingMessage;

rococo_string to_abi(std::string_view text) { return {text.data(), text.size()}; }
std::string_view from_abi(rococo_string text) { return {text.data, text.size}; }

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
    return result;
}

/// What the functions of one `rococo_call` work on.
struct CallState {
    std::span<Outcome> outcomes;
    std::vector<bool>& settled;
    const Call& call;
    messaging::MessageSender& sender;
    const Clock& clock;

    static CallState& of(void* self) { return *static_cast<CallState*>(self); }

    void settle(std::size_t index, const Outcome& outcome) {
        outcomes[index] = outcome;
        settled[index] = true;
    }
};

void settle(void* self, std::size_t index, int outcome, std::int64_t delay_us,
            rococo_string error) {
    CallState& state = CallState::of(self);
    const Outcome result{kind_of(outcome), std::chrono::microseconds(delay_us),
                         std::string(from_abi(error))};
    if (index < state.outcomes.size()) state.settle(index, result);
    if (index != ROCOCO_REST) return;
    for (std::size_t i = 0; i < state.outcomes.size(); ++i) {
        if (!state.settled[i]) state.settle(i, result);
    }
}

bool send(void* self, const rococo_outgoing* message, void* report_to,
          void (*report)(void* report_to, rococo_string reason)) {
    const auto sent = CallState::of(self).sender.send(from_abi(message->queue), outgoing(*message));
    if (!sent) report(report_to, to_abi(sent.error().message));
    return sent.has_value();
}

bool cancelled(void* self) {
    const CallState& state = CallState::of(self);
    return (state.call.cancelled != nullptr && *state.call.cancelled) ||
           state.clock.steady_now() >= state.call.deadline;
}

std::int64_t time_left_us(void* self) {
    const CallState& state = CallState::of(self);
    if (state.call.deadline == SteadyTime::max()) return std::numeric_limits<std::int64_t>::max();
    return std::chrono::duration_cast<std::chrono::microseconds>(state.call.deadline -
                                                                 state.clock.steady_now())
        .count();
}

/// One instance in the service's library. Its buffers are kept from call to call.
class LibraryProcessor final : public Processor {
public:
    LibraryProcessor(const rococo_processor& processor, void* instance,
                     messaging::MessageSender& sender, const Clock& clock)
        : processor_(processor), instance_(instance), sender_(sender), clock_(clock) {}
    ~LibraryProcessor() override { processor_.destroy(instance_); }
    LibraryProcessor(const LibraryProcessor&) = delete;
    LibraryProcessor& operator=(const LibraryProcessor&) = delete;

    void process(const Call& call, std::span<const Delivery* const> deliveries,
                 std::span<Outcome> outcomes) override {
        describe(deliveries, call.attempt);
        settled_.assign(outcomes.size(), false);
        CallState state{outcomes, settled_, call, sender_, clock_};
        const rococo_call functions{sizeof(rococo_call),
                                    &state,
                                    &settle,
                                    &send,
                                    &cancelled,
                                    &time_left_us,
                                    call.attempt,
                                    call.scheduled_at.time_since_epoch().count()};
        processor_.process(instance_, &functions, messages_.data(), messages_.size());
    }

private:
    /// Writes the deliveries as the ABI has them. All headers lie in one array.
    void describe(std::span<const Delivery* const> deliveries, std::uint32_t attempt) {
        messages_.clear();
        headers_.clear();
        std::size_t header_count = 0;
        for (const Delivery* delivery : deliveries) header_count += delivery->headers.size();
        headers_.reserve(header_count);  // so that pointers into it stay valid
        for (const Delivery* delivery : deliveries) {
            const rococo_header* first_header = headers_.data() + headers_.size();
            for (const HeaderView& header : delivery->headers) {
                headers_.push_back({to_abi(header.name), to_abi(header.value)});
            }
            messages_.push_back({sizeof(rococo_message), to_abi(delivery->body),
                                 to_abi(delivery->id), to_abi(delivery->queue),
                                 to_abi(delivery->content_type), to_abi(delivery->correlation_id),
                                 first_header, delivery->headers.size(),
                                 delivery->sent_at.time_since_epoch().count(),
                                 deliveries.size() == 1 ? attempt : delivery->attempt});
        }
    }

    const rococo_processor& processor_;
    void* instance_;
    messaging::MessageSender& sender_;
    const Clock& clock_;
    std::vector<rococo_message> messages_;
    std::vector<rococo_header> headers_;
    std::vector<bool> settled_;
};

}  // namespace

Result<std::unique_ptr<Processor>> LibraryProcessorFactory::create() {
    std::string reason;
    void* instance = processor_.create(&reason, [](void* to, rococo_string text) {
        *static_cast<std::string*>(to) = from_abi(text);
    });
    if (instance == nullptr) {
        return failure(ErrorKind::service,
                       fmt::format("the constructor of {} failed: {}", processor_.type, reason));
    }
    return std::make_unique<LibraryProcessor>(processor_, instance, sender_, clock_);
}

}  // namespace rococo::svchost
