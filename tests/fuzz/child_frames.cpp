// SPDX-License-Identifier: MIT
// What a child may do with a window: any bytes on its socket in any parts, any words in its page,
// an end at any time. Whatever it does, each message of the window ends once or goes back once, and
// only what the page has called done is acknowledged.
//
// The input is a list of steps: a byte for the kind, and what that needs.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "child_call.hpp"
#include "rococo/base/file_descriptor.hpp"

namespace {

using namespace rococo;
using namespace rococo::svchost;
using namespace rococo::svchost::child;
using namespace std::chrono_literals;

constexpr std::uint64_t kFirst = 41;
// No child can say this itself: its words are UTF-8.
constexpr const char* kEnd = "SIG\xff";
constexpr const char* kCrash = "crashed: SIG\xff";

void require(bool condition) {
    if (!condition) std::abort();
}

/// The input, from the front; zeros behind its end.
class Input {
public:
    explicit Input(std::string_view bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const auto first = static_cast<std::uint8_t>(bytes_.front());
        bytes_.remove_prefix(1);
        return first;
    }
    std::string_view text() {
        const std::string_view text = bytes_.substr(0, byte());
        bytes_.remove_prefix(std::min(bytes_.size(), text.size()));
        return text;
    }
    /// A number in the window, or not far from it; seldom one that is far.
    std::uint64_t seq() {
        const std::uint8_t offset = byte();
        return offset < 0xF0 ? kFirst - 4 + offset % 32 : ~std::uint64_t{0} - offset;
    }

private:
    std::string_view bytes_;
};

class InputClock final : public Clock {
public:
    [[nodiscard]] SystemTime now() const override { return {}; }
    [[nodiscard]] SteadyTime steady_now() const override { return now_; }
    void pass(std::chrono::milliseconds time) { now_ += time; }

private:
    SteadyTime now_{1h};
};

/// A child without a process: the socket and the reader are real.
class InputChild final : public ChildPeer {
public:
    InputChild() {
        std::array<int, 2> ends{};
        require(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
        ours_ = FileDescriptor(ends[0]);
        childs_ = FileDescriptor(ends[1]);
    }

    void write(std::string_view bytes) const {
        if (!bytes.empty() && childs_.is_open())
            (void)::send(childs_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    void store(ChildProgress progress) {
        if (end_) return;
        page_ = progress;
        most_.begun = std::max(most_.begun, progress.begun);
        most_.done = std::max(most_.done, progress.done);
    }
    void close() { childs_.close(); }
    void die() {
        close();
        end_ = kEnd;
    }
    /// The highest that its page ever said.
    [[nodiscard]] const ChildProgress& most() const { return most_; }
    [[nodiscard]] bool was_killed() const { return killed_; }
    [[nodiscard]] bool has_ended() const { return end_.has_value(); }
    [[nodiscard]] bool was_retracted() const { return retracted_; }

    ChildProgress progress() override { return page_; }
    void retract(std::uint64_t /*above*/, std::uint64_t up_to) override {
        require(up_to >= kFirst);
        retracted_ = true;
    }
    void set_cancelled(bool /*cancelled*/) override {}
    bool read() override { return reader_.read(ours_.get()); }
    Result<std::optional<Frame>> next() override { return reader_.next(); }
    void pass_on_output() override {}
    void ask_for_stack() override {}
    void kill() override { killed_ = true; }
    std::optional<std::string> end() override { return end_; }
    std::optional<std::string> end_within(std::chrono::milliseconds /*time*/) override {
        return end_;
    }

private:
    FileDescriptor ours_;
    FileDescriptor childs_;
    FrameReader reader_;
    ChildProgress page_{kFirst - 1, kFirst - 1};
    ChildProgress most_ = page_;
    std::optional<std::string> end_;
    bool killed_ = false;
    bool retracted_ = false;
};

/// The worker, who believes nothing.
class Judge final : public CallProgress {
public:
    Judge(const InputChild& child, const std::vector<Outcome>& outcomes)
        : child_(child), outcomes_(outcomes), kept_(outcomes.size()) {}

    void ended(std::size_t count) override {
        require(count <= kept_ - ended_);
        for (; count > 0; --count, ++ended_) {
            const std::uint64_t seq = kFirst + ended_;
            const Outcome& outcome = outcomes_[ended_];
            if (outcome.kind == Outcome::Kind::ok) require(seq <= child_.most().done);
            if (outcome.error == kCrash) require(seq <= child_.most().begun);
            require(outcome.delay.count() >= 0);
        }
    }
    void not_begun(std::size_t count) override {
        require(count <= kept_ - ended_);
        require(child_.was_retracted() || child_.has_ended());
        kept_ -= count;
    }
    /// What is left has ended.
    void over() { ended(kept_ - ended_); }

private:
    const InputChild& child_;
    const std::vector<Outcome>& outcomes_;
    std::size_t ended_ = 0;
    std::size_t kept_;
};

void take_step(Input& input, InputChild& child, InputClock& clock) {
    switch (input.byte() % 8) {
        case 0:
            return child.write(input.text());
        case 1: {
            std::string frame;
            const std::uint8_t kind = input.byte();
            const std::uint64_t seq = input.seq();
            const std::string_view meta = input.text();
            append_header(frame, kind, meta.size(), 0, seq);
            return child.write(frame += meta);
        }
        case 2: {
            const std::uint64_t begun = input.seq();
            return child.store({.begun = begun, .done = input.seq()});
        }
        case 3: {  // as a child that does its work
            const std::uint64_t seq = input.seq();
            child.store({.begun = seq, .done = seq});
            std::string frame;
            append_header(frame, static_cast<std::uint8_t>(Report::done), 0, 0, seq);
            return child.write(frame);
        }
        case 4:
            return clock.pass(std::chrono::milliseconds(input.byte()));
        case 5:
            return clock.pass(std::chrono::milliseconds(1));
        case 6:
            return child.close();
        default:
            return child.die();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input({reinterpret_cast<const char*>(data), size});
    InputClock clock;
    InputChild child;
    std::vector<Outcome> outcomes(1 + input.byte() % 16);
    Judge judge(child, outcomes);
    ChildWindow window(kFirst, outcomes, 100ms, clock.steady_now());
    ChildCall call(child, window, 100ms, clock, &judge);
    bool over = call.look(false);
    while (!over && !input.empty()) {
        take_step(input, child, clock);
        // Who was killed ends, though not at once.
        if (child.was_killed() && input.byte() % 2 == 0) child.die();
        over = call.look(false);
    }
    if (!over) {
        child.die();
        over = call.look(false);
    }
    require(over && window.is_over());
    judge.over();
    return 0;
}
