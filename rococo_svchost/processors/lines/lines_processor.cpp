// SPDX-License-Identifier: MIT
#include "lines_processor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "rococo/base/duration_text.hpp"

namespace rococo::svchost::lines {

namespace {

using std::chrono::milliseconds;

// For the last work of a program whose process is replaced.
constexpr std::chrono::seconds kLastWork{10};
// How long a run that is cancelled may go on.
constexpr std::chrono::seconds kGrace{30};
// While the host is stopping, what comes back to a worker is taken from it in a moment.
constexpr milliseconds kUntilTakenBack{5};

}  // namespace

LinesProcessor::LinesProcessor(const Settings& settings, Start start,
                               std::unique_ptr<child::ChildPage> page,
                               std::unique_ptr<RunningLines> program, HostServices host)
    : settings_(settings),
      start_(std::move(start)),
      host_(std::move(host)),
      logger_(&host_.log),
      page_(std::move(page)),
      life_(settings.limits) {
    take_over(std::move(program));
}

void LinesProcessor::take_over(std::unique_ptr<RunningLines> program) {
    program_ = std::move(program);
    life_.begin(program_->process(), logger_);
    const auto lock = program_->lock();
    note_what_it_said();
}

void LinesProcessor::note_what_it_said() {
    parallel_ = program_->ready() ? program_->ready()->parallel : 0;
}

void LinesProcessor::process(const Call& call,
                             std::span<const messaging::Delivery* const> deliveries,
                             std::span<Outcome> outcomes) {
    if (call.progress != nullptr && call.is_cancelled()) {
        std::this_thread::sleep_for(kUntilTakenBack);
        return call.progress->not_begun(outcomes.size());
    }
    LinesWindow window(next_, outcomes, settings_.process_timeout, host_.clock.steady_now());
    page_->show(window.progress());  // nothing, before the numbers change their meaning
    page_->begin_window(next_);
    next_ += outcomes.size();
    cancelled_at_ = SteadyTime::max();
    while (!window.is_over()) {
        if (have_program(call)) {
            serve(call, deliveries, window);
        } else {
            window.give_up("the program cannot be started");
            if (call.progress == nullptr) break;
        }
    }
    replace_in_time(call, window);
    const std::size_t not_begun = window.take_not_begun(host_.clock.steady_now());
    if (not_begun == 0) return;
    if (call.progress != nullptr) return call.progress->not_begun(not_begun);
    outcomes.front() = {Outcome::Kind::failed, {}, "the program cannot be started"};
}

bool LinesProcessor::have_program(const Call& call) {
    if (program_) {
        auto lock = program_->lock();
        if (const auto end = program_->end()) {
            logger_.warning("The program's process {} ended between messages: {}",
                            program_->process().pid(), end->words());
            lock.unlock();
            program_.reset();
        }
    }
    while (!program_) {
        const auto pause = restarts_.next();
        if (!pause) {
            if (host_.on_broken)
                host_.on_broken(failure_.value_or(
                    Error{ErrorKind::service,
                          "the program's processes end before they answer anything"}));
            return false;
        }
        std::this_thread::sleep_for(*pause);
        failure_.reset();
        auto program = start_();
        if (program) {
            take_over(std::move(*program));
            return true;
        }
        failure_ = program.error();
        logger_.error("{}", failure_->message);
        if (call.is_cancelled()) return false;
    }
    return true;
}

void LinesProcessor::serve(const Call& call, std::span<const messaging::Delivery* const> deliveries,
                           LinesWindow& window) {
    cause_.clear();
    const std::size_t before = window.answered();
    auto lock = program_->lock();
    program_->begin_call(
        {window, call, deliveries,
         [page = page_.get()](const ChildProgress& progress) { page->show(progress); }});
    std::optional<child::ChildEnd> end;
    while (!window.is_over()) {
        if ((end = program_->end())) break;
        tell(call, window, host_.clock.steady_now());
        if (window.is_over()) break;  // the rest went back
        if (cause_.empty()) end_it(lock, call, window);
        program_->wait(lock, window.wake_at(host_.clock.steady_now()));
    }
    program_->end_call();
    note_what_it_said();
    if (window.answered() > before) restarts_.worked();
    life_.processed(window.answered() - before);
    lock.unlock();
    if (end) bury(window, *end);
}

void LinesProcessor::end_it(std::unique_lock<std::mutex>& lock, const Call& call,
                            const LinesWindow& window) {
    const SteadyTime now = host_.clock.steady_now();
    const bool is_run = call.progress == nullptr;
    if (is_run && call.is_cancelled()) cancelled_at_ = std::min(cancelled_at_, now);
    if (!program_->complaint().empty()) {
        if (program_->wait_for_end(lock)) return;
        cause_ = program_->complaint();
    } else if (window.is_overdue(now)) {
        cause_ = fmt::format("timed out after {}", format_duration(settings_.process_timeout));
    } else if (cancelled_at_ != SteadyTime::max() && now >= cancelled_at_ + kGrace) {
        cause_ = "cancelled";
    } else {
        return;
    }
    program_->process().kill();
}

// What this process has done is safe first: it may take its time to end.
void LinesProcessor::replace_in_time(const Call& call, LinesWindow& window) {
    if (!program_) return;
    const SteadyTime now = host_.clock.steady_now();
    const auto reason = life_.reason_to_replace(program_->process(), now);
    if (!reason) return;
    tell(call, window, now);
    logger_.info("The program's process {} is replaced: {}", program_->process().pid(), *reason);
    program_->finish(kLastWork);
    program_.reset();
}

void LinesProcessor::tell(const Call& call, LinesWindow& window, SteadyTime now) {
    if (call.progress == nullptr) return;
    if (const std::size_t not_begun = window.take_not_begun(now); not_begun > 0)
        call.progress->not_begun(not_begun);
    if (const std::size_t ended = window.take_ended(now); ended > 0) call.progress->ended(ended);
}

void LinesProcessor::bury(LinesWindow& window, const child::ChildEnd& end) {
    const std::string how = end.words();
    const std::string error = !cause_.empty() ? cause_
                              : end.by_signal ? "crashed: " + how
                                              : "ended its process: " + how;
    window.died(error);
    page_->show(window.progress());
    logger_.warning("The program's process {} {}; another one takes its place",
                    program_->process().pid(),
                    cause_.empty() ? "ended: " + how : "was ended: " + cause_);
    if (cause_.empty() && host_.on_crash) host_.on_crash();
    program_.reset();
}

}  // namespace rococo::svchost::lines
