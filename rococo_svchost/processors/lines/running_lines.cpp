// SPDX-License-Identifier: MIT
#include "running_lines.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "rococo/base/try.hpp"

namespace rococo::svchost::lines {

namespace {

using child::ChildProcess;
using child::Connection;

constexpr std::chrono::seconds kStopTime{1};
constexpr std::chrono::seconds kDeath{1};
// What a program may say to us in one line; what is longer is taken for output.
constexpr std::size_t kLongestAnswer = std::size_t{32} << 20U;
// How much may wait to be written.
constexpr std::size_t kAhead = std::size_t{256} * 1024;
// So much of a pipe holds a window of messages, so that they are written at once.
constexpr int kPipeBytes = 1 << 18;
// A buffer that a large message left behind is given back.
constexpr std::size_t kKeptBuffer = std::size_t{1} << 20U;

template <typename... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

Result<std::unique_ptr<RunningLines>> RunningLines::start(const child::ChildCommand& command,
                                                          const LinesServices& services) {
    auto input = child::pipe_to_them();
    auto output = child::pipe_from_them();
    auto errors = child::pipe_from_them();
    if (!input || !output || !errors)
        return failure(ErrorKind::service, fmt::format("cannot start {}: {}", command.path,
                                                       std::generic_category().message(errno)));
    for (const FileDescriptor* const end : {&input->ours, &output->ours})
        ::fcntl(end->get(), F_SETPIPE_SZ, kPipeBytes);  // as it is where that is not allowed
    const std::array<int, 3> theirs{input->theirs.get(), output->theirs.get(),
                                    errors->theirs.get()};
    ROCOCO_ASSIGN_OR_RETURN(auto process, ChildProcess::start(command, theirs));
    return std::unique_ptr<RunningLines>(new RunningLines(
        {std::move(*input), std::move(*output), std::move(*errors)}, services, std::move(process)));
}

RunningLines::RunningLines(std::array<Connection, 3> connections, LinesServices services,
                           std::unique_ptr<ChildProcess> process)
    : services_(std::move(services)),
      process_(std::move(process)),
      input_descriptor_(std::move(connections[0].ours)),
      output_descriptor_(std::move(connections[1].ours)),
      errors_descriptor_(std::move(connections[2].ours)),
      output_(output_descriptor_.get(), kLongestAnswer),
      errors_(errors_descriptor_.get()),
      thread_([this] { work(); }) {}

RunningLines::~RunningLines() {
    finish(kStopTime);
    process_->kill();
    thread_.join();
}

void RunningLines::finish(std::chrono::milliseconds time) {
    {
        const std::scoped_lock lock(mutex_);
        input_descriptor_.close();
    }
    wake_.notify();
    (void)process_->end_within(time);
}

void RunningLines::begin_call(const LinesCall& call) {
    call_.emplace(call);
    changed_ = true;
    wake_.notify();
}

void RunningLines::end_call() { call_.reset(); }

void RunningLines::wait(std::unique_lock<std::mutex>& lock, SteadyTime until) {
    news_.wait_until(lock, until);
}

void RunningLines::wait_until_ready(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, time, [this] { return ready_ || end_ || !complaint_.empty(); });
}

bool RunningLines::wait_for_end(std::unique_lock<std::mutex>& lock) {
    return news_.wait_for(lock, kDeath, [this] { return end_.has_value(); });
}

void RunningLines::work() {
    while (true) {
        auto watched = watched_descriptors();
        const bool may_wait = wake_.begin_wait();
        ::poll(watched.data(), watched.size(), may_wait ? -1 : 0);
        wake_.end_wait((watched[3].revents & POLLIN) != 0);
        (void)wake_.take();
        const auto end = process_->how_it_ended();  // before its last words are read
        std::unique_lock lock(mutex_);
        read();
        if (end) return tell_of_end(*end);
        carry_out(lock);
        give();
        // On the page before it is in the program's hands.
        if (call_ && std::exchange(changed_, false)) call_->on_progress(call_->window.progress());
        flush();
        if (call_ && call_->window.is_over()) news_.notify_all();
    }
}

std::array<pollfd, 5> RunningLines::watched_descriptors() {
    const std::scoped_lock lock(mutex_);
    const bool has_unsent = sent_ < unsent_.size() && complaint_.empty();
    return {{{output_.is_open() ? output_.descriptor() : -1, POLLIN, 0},
             {errors_.is_open() ? errors_.descriptor() : -1, POLLIN, 0},
             {has_unsent ? input_descriptor_.get() : -1, POLLOUT, 0},
             {wake_.fd(), POLLIN, 0},
             {process_->ended_descriptor(), POLLIN, 0}}};
}

void RunningLines::read() {
    errors_.read([this](std::string_view line) { log("WARNING", line); });
    output_.read([this](std::string_view line) { take(line); });
    if (!output_.is_open()) complain("it closed its standard output");
}

void RunningLines::tell_of_end(const child::ChildEnd& end) {
    const auto on_output = [this](std::string_view line) { take(line); };
    const auto on_error = [this](std::string_view line) { log("WARNING", line); };
    while (!errors_.read(on_error)) continue;
    while (!output_.read(on_output)) continue;
    errors_.finish(on_error);
    // Half a line is no answer.
    output_.finish([this](std::string_view line) { log("INFO", line); });
    if (call_) call_->on_progress(call_->window.progress());
    end_ = end;
    news_.notify_all();
}

void RunningLines::take(std::string_view line) {
    const Line meaning = read_line(line);
    std::visit(Overloaded{[&](const auto& said) { take(said); },
                          [&](const Log& said) { log(said.level, said.text); },
                          [&](const Text& /*said*/) { log("INFO", line); },
                          [&](const Mistake& mistake) {
                              if (mistake.is_fatal) return complain(mistake.what);
                              services_.log.log("WARNING", "lines", __LINE__,
                                                fmt::format("A line of {} is ignored: {}",
                                                            services_.name, mistake.what));
                          }},
               meaning);
}

void RunningLines::take(const Answered& answer) {
    const auto said =
        call_ ? call_->window.answered(answer.number, answer.outcome, services_.clock.steady_now())
              : LinesWindow::Answer::unknown;
    note(said, answer.number, "an answer to");
}

void RunningLines::take(const Begun& begun) {
    const auto said = call_ ? call_->window.begun(begun.number, services_.clock.steady_now())
                            : LinesWindow::Answer::unknown;
    note(said, begun.number, "the beginning of");
}

void RunningLines::take(const Ready& ready) {
    ready_ = ready;
    news_.notify_all();
}

void RunningLines::take(const Send& send) {
    if (send.outgoing) {
        requests_.push_back({send.ref, *send.outgoing});
    } else {
        append_sent(unsent_, send.ref, tl::unexpected(send.outgoing.error()));
    }
}

void RunningLines::note(LinesWindow::Answer answer, std::uint64_t number, std::string_view what) {
    changed_ = true;
    if (answer == LinesWindow::Answer::taken) return;
    services_.log.log(
        "WARNING", "lines", __LINE__,
        fmt::format(
            "A line of {} is ignored: {} message {}, which {}", services_.name, what, number,
            answer == LinesWindow::Answer::again ? "it has given before" : "it does not have"));
}

void RunningLines::give() {
    if (!call_ || !complaint_.empty()) return;
    const SteadyTime now = services_.clock.steady_now();
    const std::size_t window = ready_ ? ready_->window : 1;
    while (unsent_.size() - sent_ < kAhead) {
        const auto place = call_->window.give(window, now);
        if (!place) return;
        changed_ = true;
        const std::uint64_t number = call_->window.number_of(*place);
        const Call& call = call_->call;
        if (call_->deliveries.empty()) {
            append_run(unsent_, number, call.scheduled_at, call.attempts.front());
        } else {
            append_message(unsent_, number, *call_->deliveries[*place], call.attempts[*place]);
        }
    }
}

void RunningLines::flush() {
    while (sent_ < unsent_.size() && complaint_.empty() && input_descriptor_.is_open()) {
        const ssize_t written =
            ::write(input_descriptor_.get(), unsent_.data() + sent_, unsent_.size() - sent_);
        if (written >= 0) {
            sent_ += static_cast<std::size_t>(written);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno != EINTR) {
            complain("it closed its standard input");
        }
    }
    if (sent_ < unsent_.size()) return;
    unsent_.clear();
    sent_ = 0;
    if (unsent_.capacity() > kKeptBuffer) unsent_.shrink_to_fit();
}

// Those that follow each other to the same queue share a round trip.
void RunningLines::carry_out(std::unique_lock<std::mutex>& lock) {
    if (requests_.empty()) return;
    const std::vector<Request> requests = std::exchange(requests_, {});
    lock.unlock();
    std::string answers;
    for (auto begin = requests.begin(); begin != requests.end();) {
        const std::string& queue = begin->outgoing.queue;
        const auto end = std::find_if(begin, requests.end(), [&](const Request& other) {
            return other.outgoing.queue != queue;
        });
        std::vector<messaging::OutgoingMessage> group;
        for (auto one = begin; one != end; ++one) group.push_back(one->outgoing.message);
        const Result<void> sent = services_.sender.send(queue, group);
        for (; begin != end; ++begin) append_sent(answers, begin->ref, sent);
    }
    lock.lock();
    unsent_ += answers;
}

void RunningLines::complain(std::string text) {
    if (!complaint_.empty()) return;
    complaint_ = std::move(text);
    news_.notify_all();
}

void RunningLines::log(std::string_view level, std::string_view text) {
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() <= child::LineStream::kLongestLine)
        return services_.log.log(level, services_.name, ++lines_, text);
    services_.log.log(level, services_.name, ++lines_,
                      fmt::format("{}… ({} bytes)", text.substr(0, child::LineStream::kLongestLine),
                                  text.size()));
}

}  // namespace rococo::svchost::lines
