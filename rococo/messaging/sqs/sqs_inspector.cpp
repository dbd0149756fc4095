// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_inspector.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "aws_caller.hpp"
#include "event_loop.hpp"
#include "queue_address.hpp"
#include "queue_setup.hpp"
#include "rococo/base/try.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging {
namespace {

constexpr std::chrono::milliseconds kPatience{3'000};  // With one request, and with all of a call.
constexpr std::array<std::string_view, 3> kNumbers{"ApproximateNumberOfMessages",
                                                   "ApproximateNumberOfMessagesNotVisible",
                                                   "ApproximateNumberOfMessagesDelayed"};

bool is_absent(const sqs::CallFailure& failure) { return failure.code == "QueueDoesNotExist"; }

std::optional<std::uint64_t> count_of(const sqs::SqsApi::Attributes& attributes,
                                      std::string_view name) {
    const auto found = attributes.find(std::string(name));
    if (found == attributes.end()) return std::nullopt;
    return parse_number<std::uint64_t>(found->second);
}

}  // namespace

class SqsInspector::Impl {
public:
    Impl(SqsSettings settings, const Clock& clock, RandomSource random, Logger logger)
        : settings_(std::move(settings)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {
        settings_.request_timeout = std::min(settings_.request_timeout, kPatience);
    }

    Result<QueueCounts> counts(const std::string& queue);

private:
    /// A queue as it was found by its name, URL or ARN. Its caller is for the queue's own region.
    struct Found {
        std::unique_ptr<sqs::AwsCaller> caller;
        std::unique_ptr<sqs::SqsApi> api;
        std::optional<sqs::Queue> work;
        std::optional<sqs::Queue> dead_letters;
    };
    using Counted = tl::expected<QueueCounts, sqs::CallFailure>;

    Result<Found*> prepare(const sqs::QueueAddress& address, const std::string& queue);
    Counted count_work(Found& found, const sqs::QueueAddress& address);
    Result<std::optional<std::uint64_t>> count_dead_letters(Found& found);

    SqsSettings settings_;
    RandomSource random_;
    Logger logger_;
    std::mutex mutex_;
    sqs::EventLoop loop_;
    SteadyTime give_up_at_{};             // Of the call under way.
    std::map<std::string, Found> found_;  // By what the caller calls the queue.
};

Result<SqsInspector::Impl::Found*> SqsInspector::Impl::prepare(const sqs::QueueAddress& address,
                                                               const std::string& queue) {
    auto& found = found_[queue];
    if (!found.caller) {
        ROCOCO_ASSIGN_OR_RETURN(
            found.caller, sqs::AwsCaller::create(loop_, settings_, address.region, address.url,
                                                 random_, logger_));
        found.api = std::make_unique<sqs::SqsApi>(*found.caller, settings_);
    }
    return &found;
}

SqsInspector::Impl::Counted SqsInspector::Impl::count_work(Found& found,
                                                           const sqs::QueueAddress& address) {
    if (!found.work) {
        ROCOCO_ASSIGN_OR_RETURN(found.work, found.api->find_queue(address, give_up_at_));
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto numbers,
                            found.api->attributes(*found.work, kNumbers, give_up_at_));
    return QueueCounts{.ready = count_of(numbers, kNumbers[0]),
                       .in_hand = count_of(numbers, kNumbers[1]),
                       .retry = std::nullopt,
                       .dead_letters = std::nullopt};
}

Result<std::optional<std::uint64_t>> SqsInspector::Impl::count_dead_letters(Found& found) {
    if (!found.dead_letters) {
        ROCOCO_ASSIGN_OR_RETURN(found.dead_letters,
                                sqs::look_up_dead_letters(*found.api, *found.work, give_up_at_));
        if (!found.dead_letters) return 0;
    }
    const auto numbers = found.api->attributes(*found.dead_letters, kNumbers, give_up_at_);
    if (!numbers) {
        // Another may take its place, so it is looked for again.
        found.dead_letters.reset();
        if (is_absent(numbers.error())) return 0;
        return tl::unexpected(numbers.error().error);
    }
    std::optional<std::uint64_t> sum = 0;
    for (const auto name : kNumbers) {
        const auto count = count_of(*numbers, name);
        sum = sum && count ? std::optional(*sum + *count) : std::nullopt;
    }
    return sum;
}

Result<QueueCounts> SqsInspector::Impl::counts(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    give_up_at_ = loop_.clock().steady_now() + kPatience;
    ROCOCO_ASSIGN_OR_RETURN(const auto address, sqs::parse_queue_address(queue));
    ROCOCO_ASSIGN_OR_RETURN(auto* const found, prepare(address, queue));
    auto counted = count_work(*found, address);
    if (!counted) {
        found->work.reset();
        if (is_absent(counted.error())) return QueueCounts{.ready = 0, .in_hand = 0};
        return tl::unexpected(counted.error().error);
    }
    const auto dead_letters = count_dead_letters(*found);
    // Without them the others are still worth having: the rights may be missing for this one only.
    if (dead_letters) counted->dead_letters = *dead_letters;
    return *counted;
}

SqsInspector::SqsInspector(SqsSettings settings, const Clock& clock, RandomSource random,
                           Logger logger)
    : impl_(std::make_unique<Impl>(std::move(settings), clock, std::move(random), logger)) {}
SqsInspector::~SqsInspector() = default;

Result<QueueCounts> SqsInspector::counts(const std::string& queue) { return impl_->counts(queue); }

}  // namespace rococo::messaging
