// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqs/sqs_dead_letters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_set>

#include "aws_caller.hpp"
#include "event_loop.hpp"
#include "message_codec.hpp"
#include "queue_address.hpp"
#include "queue_setup.hpp"
#include "rococo/base/backoff.hpp"
#include "sqs_api.hpp"

namespace rococo::messaging {
namespace {

/// For how long messages are hidden while they are looked at.
constexpr std::chrono::seconds kLookAt{60};
/// A poll that waits asks all of SQS's servers; one that does not only some of them.
constexpr std::chrono::seconds kPollWait{1};
/// Rounds without news before a command takes it that there is no more.
constexpr int kPatience = 5;

using sqs::CallFailure;
using sqs::Outcomes;
using sqs::ReceivedMessage;

bool chosen(std::span<const std::string> ids, const DeadLetter& letter) {
    return ids.empty() || std::find(ids.begin(), ids.end(), letter.id) != ids.end();
}

}  // namespace

class SqsDeadLetters::Impl {
public:
    Impl(SqsSettings settings, std::string queue, const Clock& clock, RandomSource random,
         Logger logger)
        : settings_(std::move(settings)),
          address_text_(std::move(queue)),
          random_(std::move(random)),
          logger_(logger),
          loop_(clock) {}

    /// What a visitor of messages wants with one.
    enum class Wish {
        keep,        ///< It stays.
        erase,       ///< It goes, now.
        enough,      ///< It stays, and no more need be shown.
        erase_only,  ///< It goes, now, and no more need be shown.
    };
    using Visitor = std::function<Result<Wish>(const ReceivedMessage&, DeadLetter letter)>;

    /// Finds the queues; false where there is no dead-letter queue.
    Result<bool> open();
    /// Shows every message that is there now once, as a letter too, then makes visible again what
    /// stays. Those that arrive meanwhile are left alone: there may be no end of them.
    Result<void> visit(const Visitor& visitor);
    /// The first letters, oldest first, each as `shorten` returns it.
    template <typename Shorten>
    Result<std::vector<DeadLetter>> list(std::size_t limit, const Shorten& shorten);
    Result<std::size_t> count();
    /// Deletes these letters, or all, each after `before` succeeded; how many there were.
    Result<std::size_t> take_out(std::span<const std::string> ids,
                                 const std::function<Result<void>(const ReceivedMessage&)>& before);
    Result<void> send_back(const ReceivedMessage& message);
    Result<void> send_edited(const ReceivedMessage& message, std::string_view body,
                             std::string_view new_id);
    [[nodiscard]] Error no_such_letter(std::string_view id) const {
        return {ErrorKind::usage, fmt::format("'{}' has no dead letter '{}'", address_text_, id)};
    }
    [[nodiscard]] std::string new_id() const { return random_uuid(random_); }

private:
    /// What was there when a command began.
    struct Beginning {
        /// SQS's time then, less a second at most; none where it does not tell.
        std::optional<SystemTime> at;
        std::size_t count = 0;  ///< Approximate.
    };
    /// What one command has shown so far.
    struct Shown {
        std::unordered_set<std::string> messages;
        std::unordered_set<std::string> letters;  ///< The same after it was requeued and came back.
    };
    [[nodiscard]] bool was_there(const Beginning& start, const Shown& shown,
                                 const ReceivedMessage& message) const;
    Result<Beginning> begin();
    Result<std::size_t> number(std::span<const std::string_view> names);
    Result<void> visit_all(const Visitor& visitor, std::vector<std::string>& hidden);
    Result<sqs::Queue> origin_of(const DeadLetter& letter);
    Result<void> send(const sqs::Queue& target, const sqs::OutboundMessage& message,
                      std::string_view letter);
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
    RandomSource random_;
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
    Backoff backoff(settings_.first_backoff, settings_.longest_backoff);
    for (;;) {
        const auto result = wait_for<Outcomes>(start);
        if (result && result->front().done()) return {};
        const auto why = result
                             ? fmt::format("{} {}", result->front().code, result->front().message)
                             : result.error().error.message;
        const bool passing = result ? result->front().passing() : result.error().passing;
        const auto again_at = loop_.clock().steady_now() + backoff.next_from_zero(random_);
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

Result<sqs::Queue> SqsDeadLetters::Impl::origin_of(const DeadLetter& letter) {
    if (letter.original_queue == source_.name) return source_;
    auto found = api_->find_queue({letter.original_queue, "", "", ""}, give_up_at());
    if (!found) return tl::unexpected(found.error().error);
    return *found;
}

Result<void> SqsDeadLetters::Impl::send(const sqs::Queue& target,
                                        const sqs::OutboundMessage& message,
                                        std::string_view letter) {
    return until_done(
        fmt::format("Sending dead letter '{}' back", letter),
        [&](sqs::CallDone<Outcomes> done) { api_->send(target, {message}, std::move(done)); });
}

Result<void> SqsDeadLetters::Impl::send_back(const ReceivedMessage& message) {
    const auto letter = sqs::decode_dead_letter(message, source_.name);
    const auto target = origin_of(letter);
    if (!target) return tl::unexpected(target.error());
    return send(*target, sqs::encode_requeued(message, target->fifo()), letter.id);
}

Result<void> SqsDeadLetters::Impl::send_edited(const ReceivedMessage& message,
                                               std::string_view body, std::string_view new_id) {
    const auto letter = sqs::decode_dead_letter(message, source_.name);
    const auto target = origin_of(letter);
    if (!target) return tl::unexpected(target.error());
    const auto edited = sqs::encode_edited(message, body, new_id, target->fifo());
    if (!edited) return tl::unexpected(edited.error());
    return send(*target, *edited, letter.id);
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
    const auto there = open();
    if (!there) return tl::unexpected(there.error());
    if (!*there) return {};
    std::vector<std::string> hidden;
    auto result = visit_all(visitor, hidden);
    show_again(hidden);
    return result;
}

Result<SqsDeadLetters::Impl::Beginning> SqsDeadLetters::Impl::begin() {
    static constexpr std::array<std::string_view, 1> kVisible{"ApproximateNumberOfMessages"};
    const auto count = number(kVisible);
    if (!count) return tl::unexpected(count.error());
    return Beginning{caller_->service_now(), *count};
}

bool SqsDeadLetters::Impl::was_there(const Beginning& start, const Shown& shown,
                                     const ReceivedMessage& message) const {
    if (start.at && message.sent_at <= *start.at) return true;
    // The date that SQS tells has whole seconds. Of what was sent in the one that had begun, those
    // that are known came back since, and no more were there than SQS counted.
    if (start.at && message.sent_at > *start.at + std::chrono::seconds(1)) return false;
    return shown.messages.size() < start.count &&
           !shown.letters.contains(sqs::decode_dead_letter(message, source_.name).id);
}

Result<void> SqsDeadLetters::Impl::visit_all(const Visitor& visitor,
                                             std::vector<std::string>& hidden) {
    const auto start = begin();
    if (!start) return tl::unexpected(start.error());
    Shown shown;
    const sqs::ReceiveOptions options{sqs::kMaxBatch, kPollWait, kLookAt, ""};
    bool enough = false;
    // A round without news: all were shown before, came later, or there are none. One is enough
    // where as many were shown as there were; else others may be behind them.
    const auto patience = [&] { return shown.messages.size() >= start->count ? 1 : kPatience; };
    for (int without_news = 0; !enough && without_news < patience();) {
        const auto asked_at = loop_.clock().steady_now();
        auto batch = wait_for<std::vector<ReceivedMessage>>(
            [&](auto done) { api_->receive(*letters_, options, std::move(done)); });
        if (!batch) return tl::unexpected(batch.error().error);
        ++without_news;
        for (const auto& message : *batch) {
            hidden.push_back(message.receipt_handle);
            // Too late in its hiding to be sure of it: it comes again, and is not taken for seen.
            if (loop_.clock().steady_now() > asked_at + kLookAt / 2) continue;
            if (enough || shown.messages.contains(message.id)) continue;
            if (!was_there(*start, shown, message)) continue;
            shown.messages.insert(message.id);
            auto letter = sqs::decode_dead_letter(message, source_.name);
            shown.letters.insert(letter.id);
            without_news = 0;
            const auto wish = visitor(message, std::move(letter));
            if (!wish) return tl::unexpected(wish.error());
            enough = *wish == Wish::enough || *wish == Wish::erase_only;
            if (*wish == Wish::keep || *wish == Wish::enough) continue;
            if (auto erased = erase(message.receipt_handle); !erased) return erased;
            hidden.pop_back();
        }
    }
    return {};
}

Result<std::size_t> SqsDeadLetters::Impl::number(std::span<const std::string_view> names) {
    const auto attributes = api_->attributes(*letters_, names, give_up_at());
    if (!attributes) return tl::unexpected(attributes.error().error);
    std::size_t sum = 0;
    for (const auto name : names) sum += sqs::number_at<std::size_t>(*attributes, name, 0);
    return sum;
}

Result<std::size_t> SqsDeadLetters::Impl::take_out(
    std::span<const std::string> ids,
    const std::function<Result<void>(const ReceivedMessage&)>& before) {
    std::size_t taken = 0;
    const auto visited =
        visit([&](const ReceivedMessage& message, const DeadLetter& letter) -> Result<Wish> {
            if (!chosen(ids, letter)) return Wish::keep;
            if (auto done = before(message); !done) return tl::unexpected(done.error());
            ++taken;
            return Wish::erase;
        });
    return visited.map([&] { return taken; });
}

Result<std::size_t> SqsDeadLetters::Impl::count() {
    const auto there = open();
    if (!there || !*there) return there.map([](bool) { return std::size_t{0}; });
    static constexpr std::array<std::string_view, 3> kNames{"ApproximateNumberOfMessages",
                                                            "ApproximateNumberOfMessagesNotVisible",
                                                            "ApproximateNumberOfMessagesDelayed"};
    return number(kNames);
}

template <typename Shorten>
Result<std::vector<DeadLetter>> SqsDeadLetters::Impl::list(std::size_t limit,
                                                           const Shorten& shorten) {
    std::vector<DeadLetter> letters;
    if (limit == 0) return letters;
    std::vector<std::pair<SystemTime, DeadLetter>> dated;
    const auto visited =
        visit([&](const ReceivedMessage& message, DeadLetter letter) -> Result<Wish> {
            dated.emplace_back(message.sent_at, shorten(std::move(letter)));
            return dated.size() < limit ? Wish::keep : Wish::enough;
        });
    if (!visited) return tl::unexpected(visited.error());
    std::stable_sort(dated.begin(), dated.end(),
                     [](const auto& left, const auto& right) { return left.first < right.first; });
    for (auto& [date, letter] : dated) letters.push_back(std::move(letter));
    return letters;
}

SqsDeadLetters::SqsDeadLetters(SqsSettings settings, std::string queue, const Clock& clock,
                               RandomSource random, Logger logger)
    : impl_(std::make_unique<Impl>(std::move(settings), std::move(queue), clock, std::move(random),
                                   logger)) {}

SqsDeadLetters::~SqsDeadLetters() = default;

Result<std::vector<DeadLetter>> SqsDeadLetters::list(std::size_t limit) {
    return impl_->list(limit, [](DeadLetter letter) { return letter; });
}

Result<std::vector<DeadLetter>> SqsDeadLetters::summaries(std::size_t limit) {
    return impl_->list(limit, [](DeadLetter letter) {
        letter.headers = {};
        letter.properties = {};
        letter.body = {};
        return letter;
    });
}

Result<std::size_t> SqsDeadLetters::count() { return impl_->count(); }

Result<std::optional<DeadLetter>> SqsDeadLetters::find(std::string_view id) {
    std::optional<DeadLetter> found;
    const auto visited =
        impl_->visit([&](const ReceivedMessage&, DeadLetter letter) -> Result<Impl::Wish> {
            if (letter.id != id) return Impl::Wish::keep;
            found = std::move(letter);
            return Impl::Wish::enough;
        });
    return visited.map([&] { return std::move(found); });
}

Result<std::size_t> SqsDeadLetters::requeue(std::span<const std::string> ids) {
    return impl_->take_out(
        ids, [this](const ReceivedMessage& message) { return impl_->send_back(message); });
}

Result<std::string> SqsDeadLetters::edit_and_requeue(std::string_view id, std::string_view body) {
    const auto new_id = impl_->new_id();
    bool sent = false;
    const auto visited = impl_->visit(
        [&](const ReceivedMessage& message, const DeadLetter& letter) -> Result<Impl::Wish> {
            if (letter.id != id) return Impl::Wish::keep;
            if (auto done = impl_->send_edited(message, body, new_id); !done)
                return tl::unexpected(done.error());
            sent = true;
            return Impl::Wish::erase_only;
        });
    if (!visited) return tl::unexpected(visited.error());
    if (!sent) return tl::unexpected(impl_->no_such_letter(id));
    return new_id;
}

Result<std::size_t> SqsDeadLetters::remove(std::span<const std::string> ids) {
    return impl_->take_out(ids, [](const ReceivedMessage&) { return Result<void>(); });
}

}  // namespace rococo::messaging
