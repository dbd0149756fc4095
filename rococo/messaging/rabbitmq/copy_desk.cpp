// SPDX-License-Identifier: MIT
#include "copy_desk.hpp"

#include <fmt/format.h>

#include <atomic>
#include <mutex>
#include <utility>

#include "message_copy.hpp"
#include "rococo/base/utc_text.hpp"
#include "rococo_headers.hpp"

namespace rococo::messaging {

/// What the dispatcher's thread and the publisher's thread share.
struct CopyDesk::Board {
    explicit Board(std::shared_ptr<WakeEvent> event) : wake(std::move(event)) {}

    const std::shared_ptr<WakeEvent> wake;
    std::atomic<std::uint64_t> epoch{0};
    std::atomic<std::size_t> bytes{0};
    std::atomic<bool> is_blocked{false};
    std::mutex mutex;
    std::vector<Safe> safe;
    std::string blocked;  // Why.
};

/// The copy of a delivery on its way to a queue.
class CopyDesk::CopyPublication final : public Publication {
public:
    CopyPublication(std::shared_ptr<Board> board, std::uint64_t tag, Verdict verdict,
                    std::size_t bytes)
        : board_(std::move(board)),
          epoch_(board_->epoch.load()),
          tag_(tag),
          verdict_(verdict),
          bytes_(bytes) {
        board_->bytes += bytes_;
    }
    ~CopyPublication() override { board_->bytes -= bytes_; }

    [[nodiscard]] bool wanted() const override { return board_->epoch.load() == epoch_; }
    void confirmed() override {
        {
            const std::lock_guard lock(board_->mutex);
            // Asked under the lock: between the question and the entry an epoch could end, and in
            // the next one the tag is another delivery's.
            if (!wanted()) return;
            board_->safe.push_back(
                {tag_, verdict_, queue.role == QueueRole::delay ? queue.name : std::string()});
        }
        board_->wake->notify();
    }
    // The original stays unacknowledged until its copy is safe, however long that takes.
    [[nodiscard]] bool failed(const Error& /*error*/) override { return wanted(); }

private:
    std::shared_ptr<Board> board_;
    std::uint64_t epoch_;
    std::uint64_t tag_;
    Verdict verdict_;
    std::size_t bytes_;
};

CopyDesk::CopyDesk(const RabbitMqSettings& settings, const Clock& clock, Logger logger,
                   RandomSource random, std::shared_ptr<WakeEvent> wake, std::string role)
    : settings_(settings),
      clock_(clock),
      logger_(logger),
      random_(std::move(random)),
      role_(std::move(role)),
      board_(std::make_shared<Board>(std::move(wake))) {}

CopyDesk::~CopyDesk() { close(); }

std::string CopyDesk::blocked() const {
    if (!board_->is_blocked.load()) return {};
    const std::lock_guard lock(board_->mutex);
    return board_->blocked;
}

std::size_t CopyDesk::bytes() const { return board_->bytes.load(); }

void CopyDesk::add(std::uint64_t tag, Verdict verdict, std::size_t bytes, QueueSpec queue,
                   std::unique_ptr<MessageCopy> copy) {
    ++waiting_;
    auto publication = std::make_unique<CopyPublication>(board_, tag, verdict, bytes);
    publication->queue = std::move(queue);
    publication->message = std::move(copy);
    added_.push_back(std::move(publication));
}

void CopyDesk::publish() {
    if (added_.empty()) return;
    if (!publisher_) {
        const auto tell_blocked = [board = board_](std::string_view reason) {
            {
                const std::lock_guard lock(board->mutex);
                board->blocked = reason;
                board->is_blocked.store(!reason.empty());
            }
            board->wake->notify();
        };
        publisher_ = std::make_unique<ConfirmedPublisher>(
            settings_, clock_, logger_, fork_random(random_), role_, tell_blocked);
    }
    publisher_->submit(std::exchange(added_, {}));
}

void CopyDesk::add(Settlement settlement) {
    std::shared_ptr<RabbitMqDelivery> delivery(
        static_cast<RabbitMqDelivery*>(settlement.delivery.release()));
    const auto tag = delivery->tag;
    const auto bytes = delivery->bytes();
    const bool dead = settlement.verdict == Verdict::dead_letter;
    auto queue = work_queue(settings_, settings_.queue);
    auto copy = std::make_unique<MessageCopy>(
        delivery->raw_properties(), delivery->body,
        dead ? MessageCopy::Purpose::dead_letter : MessageCopy::Purpose::retry, settings_.user);
    if (settlement.verdict == Verdict::release) {
        // Nothing is charged: as if it had never been handed out.
        copy->set_header(headers::kAttempts, std::int64_t{delivery->attempt} - 1);
    } else {
        const auto now = format_utc(clock_.now(), Decimals::always);
        copy->set_header(headers::kAttempts, std::int64_t{settlement.attempts});
        if (!parse_utc(copy->header(headers::kFirstFailedAt)))
            copy->set_header(headers::kFirstFailedAt, now);
        copy->set_header(headers::kLastFailedAt, now);
        copy->set_header(headers::kError, std::move(settlement.error));
        if (settlement.delay.count() > 0) queue = delay_queue(settings_.queue, settlement.delay);
    }
    if (dead) {
        copy->set_header(headers::kReason, std::move(settlement.reason));
        copy->set_header(headers::kOriginalQueue, settings_.queue);
        copy->set_header(headers::kDeadLetterId,
                         fmt::format("{:016x}{:016x}", random_(), random_()));
        queue = dead_letter_queue(settings_, settings_.queue);
    }
    copy->keep(std::move(delivery));
    add(tag, settlement.verdict, bytes, std::move(queue), std::move(copy));
}

std::vector<CopyDesk::Safe> CopyDesk::take_safe() {
    std::vector<Safe> safe;
    if (waiting_ == 0) return safe;
    {
        const std::lock_guard lock(board_->mutex);
        safe.swap(board_->safe);
    }
    waiting_ -= safe.size();
    return safe;
}

void CopyDesk::begin_epoch(std::uint64_t epoch) {
    board_->epoch.store(epoch);
    const std::lock_guard lock(board_->mutex);
    board_->safe.clear();
    added_.clear();
    waiting_ = 0;
}

void CopyDesk::close() {
    begin_epoch(~std::uint64_t{0});
    publisher_.reset();
}

}  // namespace rococo::messaging
