// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "books.hpp"
#include "child_call.hpp"
#include "random.hpp"
#include "rococo_svchost/runtime/inquest.hpp"
#include "scenario.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// A message that a child was given, and what has really become of it.
struct ChildItem {
    enum class Fate {
        given,
        claimed,  ///< The page says that it is begun, and the child has yet to look if it may be.
        begun,
        returned,  ///< It may not.
        succeeded,
        failed,
    };

    std::uint64_t seq = 0;
    std::size_t message = 0;
    std::uint64_t delivery = 0;
    Fate fate = Fate::given;
    svchost::Outcome::Kind said = svchost::Outcome::Kind::ok;  ///< Of one that failed.
    bool given_back = false;                                   ///< By the host.
};

/// What is given at once. Host and child have it both, and the books look into it.
using ChildItems = std::vector<ChildItem>;

/// A processor's process and its page. It works through what it is given as `worker.py` does, and
/// crashes, hangs, lies and leaves as the scenario wants.
///
/// What one side writes to the page, the other may see a while later, in the order in which it was
/// written, but before any frame that is sent after it. A look of the host's takes a moment, in
/// which the child goes on: what is read first is the older.
class SimulatedChild final : public svchost::child::ChildPeer {
public:
    struct Parts {
        std::string name;
        const Scenario& scenario;
        Timeline& timeline;
        Random& random;
        Books& books;
        bool batches;                                 ///< What is given at once is one call.
        std::function<void(const ChildItem&)> begun;  ///< Is told of each.
        std::function<void()> heard;                  ///< The host's poll returns.
        std::function<SteadyTime()> host_frozen_until;
    };

    explicit SimulatedChild(Parts parts) : parts_(std::move(parts)) {}

    /// A window, which the page is prepared for first.
    void give(std::shared_ptr<ChildItems> window);
    /// Ends it, however it goes on.
    void die(std::string how);
    /// Its host is gone, and takes it along.
    void die_with_host();

    /// What the page says in the end.
    [[nodiscard]] svchost::ChildsWork work() const {
        return {.first = first_, .begun = latest_.begun, .done = latest_.done};
    }
    /// Since when it is dead, or it has told a lie that cannot be believed.
    [[nodiscard]] std::optional<SteadyTime> gone_since() const { return gone_since_; }
    /// Whether its page says what is not so.
    [[nodiscard]] bool falsified_its_page() const { return falsified_page_; }
    /// Whether there is something that the host has not read.
    [[nodiscard]] bool has_news() const { return !said_.empty() || (end_ && !end_read_); }

    svchost::ChildProgress progress() override;
    void retract(std::uint64_t above, std::uint64_t up_to) override;
    void set_cancelled(bool cancelled) override;
    bool read() override;
    Result<std::optional<svchost::child::Frame>> next() override;
    void pass_on_output() override {}
    void ask_for_stack() override;
    void kill() override;
    std::optional<std::string> end() override;
    std::optional<std::string> end_within(std::chrono::milliseconds time) override;

private:
    struct Words {
        std::uint64_t retract_above = 0;
        std::uint64_t retract_up_to = 0;
    };
    /// A store that the other side sees from then on.
    template <typename T>
    struct Store {
        SteadyTime seen_at;
        T value;
    };
    struct Said {
        SteadyTime at;
        std::uint8_t kind = 0;
        std::uint64_t seq = 0;
        std::string meta;
        bool garbage = false;
    };

    [[nodiscard]] SteadyTime moment_of_look();
    void store(const svchost::ChildProgress& progress);
    [[nodiscard]] Words words();
    void say(svchost::child::Report kind, std::uint64_t seq, std::string meta = {});
    void later(Duration delay, void (SimulatedChild::*action)());

    void go_on();
    void claim();
    void check_retraction();
    void run();
    void finish();
    void report(ChildItem& item);
    void end_window();
    void crash() { die("SIGSEGV"); }
    void leave();
    void lie();
    void lie_in_the_page(std::uint64_t kind);
    [[nodiscard]] std::span<ChildItem> current();
    [[nodiscard]] bool is_bad(const ChildItem& item) const;
    void check_time() const;

    const Parts parts_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

    // Of the child.
    std::deque<std::shared_ptr<ChildItems>> inbox_;
    std::size_t at_ = 0;  // in the first of them
    std::uint64_t skip_to_ = 0;
    bool idle_ = true;
    bool running_ = false;
    bool hangs_ = false;
    std::size_t liar_ = 0;   // among those that it runs
    std::uint64_t run_ = 0;  // so that an event knows its own
    SteadyTime started_{};
    bool cancelled_ = false;
    bool stack_asked_ = false;
    bool falsified_page_ = false;
    bool killed_ = false;
    std::optional<SteadyTime> gone_since_;

    // Of the page.
    svchost::ChildProgress latest_;
    svchost::ChildProgress seen_;
    std::deque<Store<svchost::ChildProgress>> stores_;
    Words words_;
    std::deque<Store<Words>> retractions_;
    std::uint64_t first_ = 1;

    // Of the connection, and what the host has read.
    std::deque<Said> said_;
    Said read_;  // the frame that the host has in hand
    std::optional<SteadyTime> closed_at_;
    std::optional<std::string> end_;
    SteadyTime ended_at_{};
    bool end_read_ = false;
    SteadyTime look_{};
    SteadyTime moment_{};
};

}  // namespace rococo::simulator
