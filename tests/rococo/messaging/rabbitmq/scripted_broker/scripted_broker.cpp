// SPDX-License-Identifier: MIT
#include "scripted_broker.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

namespace rococo::messaging::tests {
namespace {

// How exact timers and times to live are; a pace within a connection is kept to the millisecond.
constexpr int kTickMilliseconds = 5;

}  // namespace

ScriptedBroker::ScriptedBroker(BrokerOptions options)
    : core_(std::move(options)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 64) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("the scripted broker finds no port");
    port_ = ntohs(address.sin_port);
    core_.queues.on_cancelled = [](const std::shared_ptr<BrokerConsumer>& consumer) {
        if (consumer->channel != nullptr) consumer->channel->cancelled(consumer);
    };
    thread_ = std::jthread([this] { run(); });
}

ScriptedBroker::~ScriptedBroker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake();
    thread_.join();
    // Timers may hold sessions, sessions refer to the core.
    core_.timers.clear();
    core_.rules.clear();
    sessions_.clear();
    ::close(listener_);
    ::close(wake_);
}

void ScriptedBroker::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void ScriptedBroker::run() {
    std::vector<pollfd> fds;
    std::vector<std::shared_ptr<BrokerSession>> polled;
    while (true) {
        bool paced = false;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) return;
            const auto now = std::chrono::steady_clock::now();
            polled = sessions_;
            fds = {{.fd = wake_, .events = POLLIN, .revents = 0},
                   {.fd = listener_, .events = POLLIN, .revents = 0}};
            for (const auto& session : polled) {
                int events = session->wants_read() ? POLLIN : 0;
                if (session->wants_write(now)) events |= POLLOUT;
                paced = paced || session->waits();
                fds.push_back(
                    {.fd = session->fd(), .events = static_cast<short>(events), .revents = 0});
            }
        }
        ::poll(fds.data(), fds.size(), paced ? 1 : kTickMilliseconds);
        const std::lock_guard lock(mutex_);
        const auto now = std::chrono::steady_clock::now();
        std::uint64_t count = 0;
        [[maybe_unused]] const auto taken = ::read(wake_, &count, sizeof count);
        if ((fds[1].revents & POLLIN) != 0) accept_client(now);
        for (std::size_t i = 0; i < polled.size(); ++i) {
            const auto events = fds[i + 2].revents;
            // While it does not read, an end of the connection shows with the next write only.
            if ((events & POLLIN) != 0 && !polled[i]->ended() && polled[i]->wants_read())
                polled[i]->read();
            else if ((events & (POLLERR | POLLHUP)) != 0 && !polled[i]->ended())
                polled[i]->end(false);
        }
        turn(now);
        polled.clear();
        changed_.notify_all();
    }
}

void ScriptedBroker::accept_client(BrokerTime /*now*/) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client >= 0)
        sessions_.push_back(std::make_shared<BrokerSession>(core_, client, ++accepted_));
}

void ScriptedBroker::turn(BrokerTime now) {
    while (!core_.timers.empty() && core_.timers.begin()->first <= now) {
        const auto due = core_.timers.extract(core_.timers.begin());
        due.mapped()();
    }
    core_.queues.expire(now);
    core_.queues.deliver([](const std::shared_ptr<BrokerConsumer>& consumer, BrokerQueue& queue,
                            BrokerMessage message) {
        consumer->channel->deliver(consumer, queue, std::move(message));
    });
    for (const auto& session : sessions_) {
        session->tick(now);
        if (!session->ended() && session->wants_write(now)) session->write(now);
    }
    std::erase_if(sessions_, [](const auto& session) { return session->ended(); });
}

// ---- From the test's threads ------------------------------------------------------------------

void ScriptedBroker::when(Trigger trigger, std::vector<Action> steps) {
    const std::lock_guard lock(mutex_);
    core_.rules.push_back({std::move(trigger), std::move(steps)});
}

void ScriptedBroker::forget_rules() {
    const std::lock_guard lock(mutex_);
    core_.rules.clear();
}

int ScriptedBroker::now(std::string_view role, const Action& step) {
    int met = 0;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& session : sessions_) {
            if (session->ended() || !session->name().ends_with(role)) continue;
            Peer peer = session->peer(1, wire::Method::none);
            step(peer);
            ++met;
        }
    }
    wake();
    return met;
}

void ScriptedBroker::change(const std::function<void(BrokerOptions&)>& how) {
    const std::lock_guard lock(mutex_);
    how(core_.options);
}

void ScriptedBroker::declare(const std::string& queue, wire::Table arguments, bool auto_delete) {
    const std::lock_guard lock(mutex_);
    core_.queues.create(queue, std::move(arguments), true, false, auto_delete);
}

void ScriptedBroker::remove(const std::string& queue) {
    {
        const std::lock_guard lock(mutex_);
        core_.queues.remove(queue);
    }
    wake();
}

void ScriptedBroker::put(const std::string& queue, std::string body, wire::Properties properties) {
    {
        const std::lock_guard lock(mutex_);
        core_.queues.create(queue, {});
        BrokerMessage message;
        message.routing_key = queue;
        message.properties = std::move(properties);
        message.body = std::move(body);
        core_.queues.publish(std::move(message));
    }
    wake();
}

int ScriptedBroker::ready(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto* found = core_.queues.find(queue);
    return found == nullptr ? -1 : static_cast<int>(found->ready.size());
}

std::vector<BrokerMessage> ScriptedBroker::messages(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto* found = core_.queues.find(queue);
    if (found == nullptr) return {};
    return {found->ready.begin(), found->ready.end()};
}

BrokerRecord ScriptedBroker::record() {
    const std::lock_guard lock(mutex_);
    return core_.record;
}

void ScriptedBroker::forget_record() {
    const std::lock_guard lock(mutex_);
    core_.record = {};
}

bool ScriptedBroker::wait(const std::function<bool(const BrokerRecord&)>& condition,
                          std::chrono::milliseconds within) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within, [&] { return condition(core_.record); });
}

bool ScriptedBroker::wait_for_acks(std::size_t count) {
    return wait([count](const BrokerRecord& seen) { return seen.acked() >= count; });
}

bool ScriptedBroker::wait_for_ready(const std::string& queue, int count) {
    return wait([&, this](const BrokerRecord&) {
        const auto* found = core_.queues.find(queue);
        return found != nullptr && static_cast<int>(found->ready.size()) == count;
    });
}

}  // namespace rococo::messaging::tests
