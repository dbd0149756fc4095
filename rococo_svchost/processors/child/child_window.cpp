// SPDX-License-Identifier: MIT
#include "rococo_svchost/processors/child_window.hpp"

#include <algorithm>

namespace rococo::svchost {

namespace {

using std::chrono::milliseconds;

// A window is worth a millisecond: where it takes so much longer, one of its messages is slow, and
// the others need not wait for it.
constexpr milliseconds kSlow{5};
// Who has all bytes and begins nothing for so long is held up by something else. Large bodies take
// longer than `kSlow` to arrive: taken back by then, they would never be begun by anybody.
constexpr milliseconds kHeldUp{100};
// Far longer than a processor keeps a store to itself, so that the child has read what the host
// wrote, or the host reads what the child wrote.
constexpr milliseconds kSeenByAll{1};
// How often to look at the page of a slow window.
constexpr milliseconds kLook{20};
// For a child to say where it is.
constexpr milliseconds kStackTime{100};
// How much of PROCESS_TIMEOUT is for whoever listens to `cancelled()`.
constexpr std::chrono::seconds kLongestNotice{5};

}  // namespace

ChildWindow::ChildWindow(std::uint64_t first, std::span<Outcome> outcomes,
                         std::chrono::microseconds process_timeout, SteadyTime now)
    : first_(first),
      outcomes_(outcomes),
      timeout_(process_timeout),
      given_at_(now),
      sent_at_(now),
      failed_(outcomes.size()),
      seen_{first - 1, first - 1},
      moved_at_(now),
      kept_(outcomes.size()),
      told_kept_(outcomes.size()) {}

std::size_t ChildWindow::up_to(std::uint64_t seq) const {
    return seq < first_ ? 0 : static_cast<std::size_t>(seq - first_ + 1);
}

bool ChildWindow::failed(std::uint64_t seq, std::size_t count, const Outcome& outcome) {
    const std::size_t end = up_to(seq);
    if (count == 0 || count > end || end > kept_ || end - count < ended_) return false;
    for (std::size_t i = end - count; i < end; ++i) {
        outcomes_[i] = outcome;
        failed_[i] = true;
    }
    return true;
}

bool ChildWindow::returned(std::uint64_t seq) {
    // Only the one that it was about to begin while the host retracted it.
    if (retraction_ == Retraction::none || up_to(seq) <= ended_) return false;
    if (up_to(seq) > kept_) return seq <= last();  // given back already
    give_back_from(up_to(seq) - 1);
    return true;
}

bool ChildWindow::done(std::uint64_t seq, const ChildProgress& page) {
    if (!is_believable(page) || page.done < seq) return false;
    if (up_to(seq) < ended_ || seq > last()) return false;
    ended_ = std::min(up_to(seq), kept_);
    over_ = seq == last();
    return true;
}

bool ChildWindow::is_believable(const ChildProgress& progress) const {
    return progress.done >= seen_.done && progress.begun >= seen_.begun &&
           progress.begun >= progress.done && progress.begun <= last();
}

bool ChildWindow::observe(const ChildProgress& progress, SteadyTime now) {
    if (!is_believable(progress)) return false;
    if (progress != seen_) moved_at_ = now;
    seen_ = progress;
    ended_ = std::max(ended_, std::min(up_to(progress.done), kept_));
    return true;
}

void ChildWindow::retracting(SteadyTime now) {
    retraction_ = Retraction::asked;
    retracting_since_ = now;
}

// The child will begin nothing after what it has begun by now. Whether it has begun that, it says:
// it may have found it retracted at the last moment.
bool ChildWindow::retracted(const ChildProgress& progress) {
    if (!is_believable(progress)) return false;
    retraction_ = Retraction::ended;
    give_back_from(up_to(progress.begun));
    return true;
}

void ChildWindow::give_back_from(std::size_t index) {
    kept_ = std::min(kept_, std::max(index, ended_));
}

void ChildWindow::asked_for_stack(SteadyTime now) { stack_asked_at_ = now; }

void ChildWindow::died(const ChildProgress& progress, const std::string& error) {
    // A page that was scribbled over says nothing: what was seen before does.
    const ChildProgress last_seen = is_believable(progress) ? progress : seen_;
    ended_ = std::max(ended_, std::min(up_to(last_seen.done), kept_));
    const std::size_t begun = std::min(up_to(last_seen.begun), kept_);
    for (; ended_ < begun; ++ended_) {
        if (!failed_[ended_]) outcomes_[ended_] = {Outcome::Kind::failed, {}, error};
    }
    give_back_from(ended_);
    over_ = true;
}

ChildWindow::Step ChildWindow::next(SteadyTime now) const {
    if (retraction_ == Retraction::asked && now >= retracting_since_ + kSeenByAll)
        return Step::end_retraction;
    if (retraction_ == Retraction::none && is_slow(now) && kept_ > up_to(seen_.begun))
        return Step::retract;
    if (is_overdue(now)) {
        if (stack_asked_at_ == SteadyTime::max()) return Step::ask_for_stack;
        if (now >= stack_asked_at_ + kStackTime) return Step::kill;
    }
    return Step::wait;
}

SteadyTime ChildWindow::wake_at(SteadyTime now) const {
    if (retraction_ == Retraction::asked) return retracting_since_ + kSeenByAll;
    if (now < given_at_ + kSlow) return given_at_ + kSlow;
    return now + kLook;
}

bool ChildWindow::is_slow(SteadyTime now) const {
    return now >= given_at_ + kSlow && (seen_.begun >= first_ || now >= sent_at_ + kHeldUp);
}

bool ChildWindow::is_overdue(SteadyTime now) const {
    return timeout_.count() != 0 && now >= moved_at_ + timeout_;
}

bool ChildWindow::is_nearly_overdue(SteadyTime now) const {
    const auto notice = std::min<std::chrono::microseconds>(timeout_ / 10, kLongestNotice);
    return timeout_.count() != 0 && now >= moved_at_ + timeout_ - notice;
}

std::size_t ChildWindow::take_ended(SteadyTime now) {
    if (!over_ && now < given_at_ + kSlow) return 0;
    const std::size_t more = ended_ - told_ended_;
    told_ended_ = ended_;
    return more;
}

std::size_t ChildWindow::take_not_begun() {
    const std::size_t more = told_kept_ - kept_;
    told_kept_ = kept_;
    return more;
}

}  // namespace rococo::svchost
