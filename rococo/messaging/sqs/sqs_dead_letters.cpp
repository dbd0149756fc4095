// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <unordered_set>

#include "aws_caller.hpp"
#include "backoff.hpp"
#include "event_loop.hpp"
#include "message_codec.hpp"
#include "queue_address.hpp"
#include "queue_setup.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging {
namespace {

/// For how long messages are hidden while they are looked at.
constexpr std::chrono::seconds kLookAt{60};
/// A poll that waits asks all of SQS's servers; one that does not only some of them.
constexpr std::chrono::seconds kPollWait{1};

using sqs::CallFailure;
using sqs::Outcomes;
using sqs::ReceivedMessage;

}  // namespace

class SqsDeadLetters::Impl {
public:
    Impl(SqsSettings settings, std::string queue, const Clock& clock, RandomBits random,
         Logger logger)
        : settings_(std::move(settings)),
          address_text_(std::move(queue)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {}

    /// What a visitor of messages wants with one.
    enum class Wish {
        keep,   ///< It stays.
        erase,  ///< It goes, now.
        enough  ///< It stays, and no more need be shown.
    };
    using Visitor = std::function<Result<Wish>(const ReceivedMessage&)>;

    /// Finds the queues; false where there is no dead-letter queue.
    Result<bool> open();
    /// Shows every message once, then makes visible again what stays.
    Result<void> visit(const Visitor& visitor);
    Result<std::size_t> count();
    Result<void> send_back(const ReceivedMessage& message);
    [[nodiscard]] const std::string& source_name() const { return source_.name; }

private:
    Result<void> visit_all(const Visitor& visitor, std::vector<std::string>& hidden);
    Result<void> erase(const std::string& receipt_handle);
    void show_again(const std::vector<std::string>& hidden);
    template <typename T>
    tl::expected<T, CallFailure> wait_for(const std::function<void(sqs::CallDone<T>)>& start);
    template <typename Start>
    Result<void> until_done(std::string_view what, const Start& start);
    [[nodiscard]] SteadyTime give_up_at() const {
        return loop_.clock().steady_now() + settings_.send_timeout;
    }

    SqsSettings settings_;
    std::string address_text_;
    RandomBits random_;
    Logger logger_;
    sqs::EventLoop loop_;
    std::unique_ptr<sqs::AwsCaller> caller_;
    std::unique_ptr<sqs::SqsApi> api_;
    sqs::Queue source_;
    std::optional<sqs::Queue> letters_;
};

Result<bool> SqsDeadLetters::Impl::open() {
    if (letters_) return true;
    const auto address = sqs::parse_queue_address(address_text_);
    if (!address) return tl::unexpected(address.error());
    auto caller =
        sqs::AwsCaller::create(loop_, settings_, address->region, address->url, random_, logger_);
    if (!caller) return tl::unexpected(caller.error());
    caller_ = std::move(*caller);
    api_ = std::make_unique<sqs::SqsApi>(*caller_, settings_);
    auto source = api_->find_queue(*address, give_up_at());
    if (!source) return tl::unexpected(source.error().error);
    source_ = *source;
    auto found = sqs::look_up_dead_letters(*api_, source_, give_up_at());
    if (!found) return tl::unexpected(found.error());
    letters_ = *found;
    return letters_.has_value();
}

template <typename T>
tl::expected<T, CallFailure> SqsDeadLetters::Impl::wait_for(
    const std::function<void(sqs::CallDone<T>)>& start) {
    std::optional<tl::expected<T, CallFailure>> result;
    start([&](tl::expected<T, CallFailure> got) { result = std::move(got); });
    while (!result) loop_.turn(loop_.clock().steady_now() + std::chrono::seconds(1));
    return std::move(*result);
}

/// One entry, tried until it is done or cannot be.
template <typename Start>
Result<void> SqsDeadLetters::Impl::until_done(std::string_view what, const Start& start) {
    const auto until = give_up_at();
    sqs::Backoff backoff(settings_);
    for (;;) {
        const auto result = wait_for<Outcomes>(start);
        if (result && result->front().done()) return {};
        const auto why = result
                             ? fmt::format("{} {}", result->front().code, result->front().message)
                             : result.error().error.message;
        const bool passing = result ? result->front().passing() : result.error().passing;
        const auto again_at = loop_.clock().steady_now() + backoff.next(random_);
        if (!passing || again_at >= until) {
            return failure(result ? ErrorKind::unavailable : result.error().error.kind,
                           fmt::format("{} did not succeed: {}", what, why));
        }
        while (loop_.clock().steady_now() < again_at) loop_.turn(again_at);
    }
}

Result<void> SqsDeadLetters::Impl::erase(const std::string& receipt_handle) {
    return until_done("Deleting a dead letter", [&](sqs::CallDone<Outcomes> done) {
        api_->remove(*letters_, {receipt_handle}, std::move(done));
    });
}

Result<void> SqsDeadLetters::Impl::send_back(const ReceivedMessage& message) {
    const auto letter = sqs::decode_dead_letter(message, source_.name);
    sqs::Queue target = source_;
    if (letter.original_queue != source_.name) {
        auto found = api_->find_queue({letter.original_queue, "", "", ""}, give_up_at());
        if (!found) return tl::unexpected(found.error().error);
        target = *found;
    }
    const auto outbound = sqs::encode_requeued(message, target.fifo());
    return until_done(
        fmt::format("Sending dead letter '{}' back", letter.id),
        [&](sqs::CallDone<Outcomes> done) { api_->send(target, {outbound}, std::move(done)); });
}

void SqsDeadLetters::Impl::show_again(const std::vector<std::string>& hidden) {
    for (std::size_t from = 0; from < hidden.size(); from += sqs::kMaxBatch) {
        std::vector<sqs::VisibilityChange> changes;
        for (std::size_t i = from; i < std::min(from + sqs::kMaxBatch, hidden.size()); ++i) {
            changes.push_back({hidden[i], std::chrono::seconds(0)});
        }
        // Should it fail they are visible again after a minute anyway.
        (void)wait_for<Outcomes>([&](sqs::CallDone<Outcomes> done) {
            api_->change_visibility(*letters_, changes, std::move(done));
        });
    }
}

Result<void> SqsDeadLetters::Impl::visit(const Visitor& visitor) {
    std::vector<std::string> hidden;
    auto result = visit_all(visitor, hidden);
    show_again(hidden);
    return result;
}

Result<void> SqsDeadLetters::Impl::visit_all(const Visitor& visitor,
                                             std::vector<std::string>& hidden) {
    std::unordered_set<std::string> seen;
    const sqs::ReceiveOptions options{sqs::kMaxBatch, kPollWait, kLookAt, ""};
    for (bool enough = false; !enough;) {
        auto batch = wait_for<std::vector<ReceivedMessage>>(
            [&](auto done) { api_->receive(*letters_, options, std::move(done)); });
        if (!batch) return tl::unexpected(batch.error().error);
        bool anything_new = false;
        for (const auto& message : *batch) {
            const bool fresh = seen.insert(message.id).second;
            anything_new = anything_new || fresh;
            hidden.push_back(message.receipt_handle);
            if (enough || !fresh) continue;
            const auto wish = visitor(message);
            if (!wish) return tl::unexpected(wish.error());
            enough = *wish == Wish::enough;
            if (*wish != Wish::erase) continue;
            if (auto erased = erase(message.receipt_handle); !erased) return erased;
            hidden.pop_back();
        }
        // All were shown before: the first ones are visible again, or there are none at all.
        if (!anything_new) break;
    }
    return {};
}

Result<std::size_t> SqsDeadLetters::Impl::count() {
    static constexpr std::array<std::string_view, 3> kNames{"ApproximateNumberOfMessages",
                                                            "ApproximateNumberOfMessagesNotVisible",
                                                            "ApproximateNumberOfMessagesDelayed"};
    const auto attributes = api_->attributes(*letters_, kNames, give_up_at());
    if (!attributes) return tl::unexpected(attributes.error().error);
    std::size_t sum = 0;
    for (const auto name : kNames) {
        const auto found = attributes->find(std::string(name));
        if (found == attributes->end()) continue;
        const auto& text = found->second;
        std::size_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        sum += number;
    }
    return sum;
}

SqsDeadLetters::SqsDeadLetters(SqsSettings settings, std::string queue, const Clock& clock,
                               RandomBits random, Logger logger)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(queue), clock, std::move(random),
                                   logger)) {}

SqsDeadLetters::~SqsDeadLetters() = default;

Result<std::vector<DeadLetter>> SqsDeadLetters::list(std::size_t limit) {
    const auto there = impl_->open();
    if (!there) return tl::unexpected(there.error());
    std::vector<std::pair<SystemTime, DeadLetter>> dated;
    if (!*there || limit == 0) return std::vector<DeadLetter>();
    const auto visited = impl_->visit([&](const ReceivedMessage& message) -> Result<Impl::Wish> {
        dated.emplace_back(message.sent_at, sqs::decode_dead_letter(message, impl_->source_name()));
        return dated.size() < limit ? Impl::Wish::keep : Impl::Wish::enough;
    });
    if (!visited) return tl::unexpected(visited.error());
    std::stable_sort(dated.begin(), dated.end(),
                     [](const auto& left, const auto& right) { return left.first < right.first; });
    std::vector<DeadLetter> letters;
    letters.reserve(dated.size());
    for (auto& [date, letter] : dated) letters.push_back(std::move(letter));
    return letters;
}

Result<std::size_t> SqsDeadLetters::count() {
    const auto there = impl_->open();
    if (!there) return tl::unexpected(there.error());
    return *there ? impl_->count() : Result<std::size_t>(0);
}

Result<std::optional<DeadLetter>> SqsDeadLetters::find(std::string_view id) {
    const auto there = impl_->open();
    if (!there) return tl::unexpected(there.error());
    std::optional<DeadLetter> found;
    if (!*there) return found;
    const auto visited = impl_->visit([&](const ReceivedMessage& message) -> Result<Impl::Wish> {
        auto letter = sqs::decode_dead_letter(message, impl_->source_name());
        if (letter.id != id) return Impl::Wish::keep;
        found = std::move(letter);
        return Impl::Wish::enough;
    });
    if (!visited) return tl::unexpected(visited.error());
    return found;
}

Result<std::size_t> SqsDeadLetters::requeue(std::span<const std::string> ids) {
    const auto there = impl_->open();
    if (!there) return tl::unexpected(there.error());
    std::size_t moved = 0;
    if (!*there) return moved;
    const auto visited = impl_->visit([&](const ReceivedMessage& message) -> Result<Impl::Wish> {
        const auto letter = sqs::decode_dead_letter(message, impl_->source_name());
        if (!ids.empty() && std::find(ids.begin(), ids.end(), letter.id) == ids.end()) {
            return Impl::Wish::keep;
        }
        if (auto sent = impl_->send_back(message); !sent) return tl::unexpected(sent.error());
        ++moved;
        return Impl::Wish::erase;
    });
    if (!visited) return tl::unexpected(visited.error());
    return moved;
}

Result<std::size_t> SqsDeadLetters::remove(std::span<const std::string> ids) {
    const auto there = impl_->open();
    if (!there) return tl::unexpected(there.error());
    std::size_t removed = 0;
    if (!*there) return removed;
    const auto visited = impl_->visit([&](const ReceivedMessage& message) -> Result<Impl::Wish> {
        const auto letter = sqs::decode_dead_letter(message, impl_->source_name());
        if (!ids.empty() && std::find(ids.begin(), ids.end(), letter.id) == ids.end()) {
            return Impl::Wish::keep;
        }
        ++removed;
        return Impl::Wish::erase;
    });
    if (!visited) return tl::unexpected(visited.error());
    return removed;
}

}  // namespace rococo::messaging
