// SPDX-License-Identifier: MIT
#include "simulation.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "books.hpp"
#include "random.hpp"
#include "simulated_host.hpp"
#include "simulated_queue.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;

namespace {

// Long enough for every retry of every message, one after the other on a host that crashes.
constexpr Duration kLongest = 6h;

/// The world of one scenario.
class Simulation {
public:
    Simulation(const Scenario& scenario, bool tell)
        : scenario_(scenario),
          random_(scenario.seed),
          books_(scenario, timeline_, tell),
          queue_(scenario, timeline_, random_, books_) {
        for (std::size_t number = 0; number < scenario.hosts; ++number) {
            if (records_.empty() || !scenario.shared_state)
                records_.push_back(std::make_unique<SimulatedRecords>(timeline_));
            hosts_.push_back(std::make_unique<SimulatedHost>(number, scenario, timeline_, random_,
                                                             queue_, *records_.back(), books_));
        }
    }

    Outcome play() {
        Duration calm{};
        for (std::size_t i = 0; i < scenario_.messages.size(); ++i) {
            const Duration at = scenario_.messages[i].sent_after;
            timeline_.after(at, [this, i] { queue_.publish(i); });
            calm = std::max(calm, at);
        }
        for (const Fault& fault : scenario_.faults) {
            timeline_.after(fault.at, [this, &fault] { strike(fault); });
            calm = std::max(calm, fault.at + fault.lasts);
        }
        for (const auto& host : hosts_) host->start();
        timeline_.after(calm + 1us, [this] {
            calm_ = true;
            if (scenario_.exit_when_finished && hosts_.size() == 1)
                hosts_.front()->exit_when_finished();
        });
        while (!over() && timeline_.since_start() < kLongest && timeline_.step()) {
        }
        // What was found ended it early.
        if (books_.findings().empty()) books_.close(queue_.left());
        return {books_.findings(), books_.story()};
    }

private:
    [[nodiscard]] bool over() const {
        if (!books_.findings().empty()) return true;
        if (!calm_) return false;
        if (scenario_.exit_when_finished && hosts_.size() == 1)
            return hosts_.front()->has_finished();
        return queue_.empty_but(0);
    }

    void strike(const Fault& fault) {
        SimulatedHost& host = *hosts_[fault.host % hosts_.size()];
        switch (fault.kind) {
            case Fault::Kind::cut:
                return host.cut();
            case Fault::Kind::kill:
                return host.kill(false);
            case Fault::Kind::lose_state:
                return host.kill(true);
            case Fault::Kind::drain:
                return host.drain();
            case Fault::Kind::freeze:
                return host.freeze(fault.lasts);
            case Fault::Kind::block:
                return queue_.block(fault.lasts);
            case Fault::Kind::refuse_copies:
                return queue_.refuse_copies(fault.lasts);
            case Fault::Kind::lose_confirms:
                return queue_.lose_confirms(fault.lasts);
            case Fault::Kind::pause:
                return host.pause(fault.lasts);
            case Fault::Kind::end_children:
                return host.end_children();
            case Fault::Kind::break_children:
                return host.break_children(fault.lasts);
        }
    }

    const Scenario& scenario_;
    Timeline timeline_;
    Random random_;
    Books books_;
    SimulatedQueue queue_;
    std::vector<std::unique_ptr<SimulatedRecords>> records_;
    std::vector<std::unique_ptr<SimulatedHost>> hosts_;
    bool calm_ = false;  // nothing more is sent, and no fault is left
};

bool fails(const Scenario& scenario) { return !play(scenario).findings.empty(); }

/// Leaves out ever smaller parts of the list, as long as it still fails.
template <typename T>
void shrink(Scenario& failing, std::vector<T> Scenario::*list) {
    for (std::size_t size = std::max<std::size_t>((failing.*list).size() / 2, 1); size > 0;
         size /= 2) {
        for (std::size_t from = 0; from < (failing.*list).size();) {
            Scenario smaller = failing;
            auto& left = smaller.*list;
            const auto begin = left.begin() + static_cast<std::ptrdiff_t>(from);
            left.erase(begin,
                       begin + static_cast<std::ptrdiff_t>(std::min(size, left.size() - from)));
            if (fails(smaller)) {
                failing = std::move(smaller);
            } else {
                from += size;
            }
        }
    }
}

}  // namespace

Outcome play(const Scenario& scenario, bool tell) { return Simulation(scenario, tell).play(); }

Scenario shrink(Scenario failing) {
    for (int round = 0; round < 2; ++round) {
        shrink(failing, &Scenario::faults);
        shrink(failing, &Scenario::messages);
        while (failing.hosts > 1) {
            Scenario smaller = failing;
            --smaller.hosts;
            if (!fails(smaller)) break;
            failing = std::move(smaller);
        }
    }
    return failing;
}

}  // namespace rococo::simulator
