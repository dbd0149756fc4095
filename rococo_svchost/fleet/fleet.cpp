// SPDX-License-Identifier: MIT
#include "fleet.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "rococo_svchost/admin_client/host_client.hpp"

namespace rococo::svchost {

/// The thread is not joined, because nothing can end its wait for a name server, which may take
/// half a minute. The fleet leaves it behind, and it finds nobody to tell.
struct Fleet::Resolving {
    std::vector<HostPattern> patterns;
    std::chrono::milliseconds interval;
    std::mutex mutex;
    std::condition_variable stopped;
    Fleet* fleet = nullptr;  ///< Under the mutex. Null: it is gone.

    static void run(const std::shared_ptr<Resolving>& self) {
        while (true) {
            for (const HostPattern& pattern : self->patterns) {
                const auto addresses = resolve(pattern);
                const std::scoped_lock lock(self->mutex);
                if (self->fleet == nullptr) return;
                self->fleet->take_addresses(pattern, addresses);
            }
            std::unique_lock lock(self->mutex);
            const bool is_gone = self->stopped.wait_for(lock, self->interval,
                                                        [&self] { return self->fleet == nullptr; });
            if (is_gone) return;
        }
    }
};

Fleet::Fleet(std::vector<HostPattern> patterns, std::string token, const Clock& clock,
             const Logger& logger, const FleetTiming& timing)
    : token_(std::move(token)),
      clock_(clock),
      logger_(logger),
      timing_(timing),
      resolving_(std::make_shared<Resolving>()),
      asking_([this](const std::stop_token& stop) { ask(stop); }) {
    resolving_->patterns = std::move(patterns);
    resolving_->interval = timing.resolve;
    resolving_->fleet = this;
    std::thread([shared = resolving_] { Resolving::run(shared); }).detach();
}

Fleet::~Fleet() {
    const std::scoped_lock lock(resolving_->mutex);
    resolving_->fleet = nullptr;
    resolving_->stopped.notify_all();
}

std::string Fleet::look() {
    const std::scoped_lock lock(mutex_);
    looked_at_ = clock_.steady_now();
    changed_.notify_all();
    return hosts_.to_json(clock_.now());
}

std::optional<HostAddress> Fleet::address_of(const std::string& key) const {
    const std::scoped_lock lock(mutex_);
    return hosts_.address_of(key);
}

std::chrono::milliseconds Fleet::interval(SteadyTime now) const {
    const bool watched = looked_at_ && now < *looked_at_ + timing_.look;
    return watched ? timing_.watched : timing_.idle;
}

void Fleet::take_addresses(const HostPattern& pattern,
                           const Result<std::vector<PatternAddress>>& addresses) {
    const std::scoped_lock lock(mutex_);
    std::string& problem = problems_[pattern.text];
    if (addresses) {
        hosts_.resolved(pattern.text, *addresses);
        if (!problem.empty()) logger_.info("{} has addresses again", pattern.text);
        problem.clear();
    } else if (problem != addresses.error().message) {
        // The hosts may be well, though their name cannot be found out: they keep their addresses.
        problem = addresses.error().message;
        logger_.warning("{}: {}", pattern.text, problem);
    }
    hosts_.forget(clock_.steady_now());
    changed_.notify_all();
}

void Fleet::ask(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const SteadyTime now = clock_.steady_now();
        const auto due = hosts_.take_due(now, interval(now));
        if (due.empty()) {
            const auto wait = hosts_.next_due(now, interval(now)) - now;
            // Woken by each look and by new addresses, which may make hosts due earlier.
            changed_.wait_for(lock, stop, wait, [&] {
                const SteadyTime later = clock_.steady_now();
                return hosts_.next_due(later, interval(later)) <= later;
            });
            continue;
        }
        lock.unlock();
        ask_due(due, stop);
        lock.lock();
    }
}

void Fleet::ask_due(const std::vector<FleetHosts::Due>& due, const std::stop_token& stop) {
    std::vector<HostRequest> requests;
    requests.reserve(due.size());
    for (const auto& host : due) {
        requests.push_back({.address = host.address,
                            .target = "/api/v1/status",
                            .json = {},
                            .token = token_,
                            .timeout = timing_.timeout});
    }
    const auto answers = ask_all(requests, timing_.at_once, stop);
    for (std::size_t i = 0; i < answers.size() && !stop.stop_requested(); ++i) {
        const auto status = answers[i].and_then(object_of);
        const std::scoped_lock lock(mutex_);
        if (status) {
            hosts_.answered(due[i].key, *status, clock_.read());
        } else {
            hosts_.failed(due[i].key, status.error().message);
        }
    }
}

}  // namespace rococo::svchost
