// SPDX-License-Identifier: MIT
#include "http/http_server.hpp"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <optional>
#include <string>

#include "rococo/base/poll_timeout.hpp"

namespace rococo::svchost::http {
namespace {

// How long to leave connections in the kernel's queue where there are no descriptors for them.
constexpr std::chrono::milliseconds kNoDescriptorsPause{100};

bool is_out_of_descriptors(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

HttpResponse handled(HttpServer::Handler& handler, const HttpRequest& request, const Peer& peer) {
    try {
        return handler.handle(request, peer);
    } catch (const std::exception& error) {
        return error_response(503, error.what());
    } catch (...) {
        return error_response(503, "The host could not answer this request.");
    }
}

}  // namespace

HttpServer::HttpServer(std::vector<std::unique_ptr<Listener>> listeners, Handler& handler,
                       const Clock& clock)
    : listeners_(std::move(listeners)),
      handler_(handler),
      clock_(clock),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

HttpServer::~HttpServer() { stop(std::chrono::milliseconds(0)); }

bool HttpServer::stop(std::chrono::milliseconds patience) {
    thread_.request_stop();
    wake_.notify();
    if (thread_.joinable()) thread_.join();
    connections_.clear();
    listeners_.clear();
    const SteadyTime until = clock_.steady_now() + patience;
    const bool prompt = prompt_.stop(patience);
    const auto left = std::max(until - clock_.steady_now(), SteadyTime::duration::zero());
    return patient_.stop(std::chrono::duration_cast<std::chrono::milliseconds>(left)) && prompt;
}

void HttpServer::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        const bool may_wait = wake_.begin_wait();
        SteadyTime now = clock_.steady_now();
        prepare_poll(now);
        const int ready = ::poll(polled_.data(), polled_.size(), may_wait ? timeout(now) : 0);
        wake_.end_wait(ready > 0 && (polled_.front().revents & POLLIN) != 0);
        static_cast<void>(wake_.take());
        now = clock_.steady_now();
        send_answers(now);
        const std::size_t first_connection = 1 + listeners_.size();
        for (std::size_t i = first_connection; ready > 0 && i < polled_.size(); ++i) {
            if (polled_[i].revents != 0) proceed(polled_ids_[i - first_connection], now);
        }
        expire(now);
        for (std::size_t i = 0; ready > 0 && i < listeners_.size(); ++i) {
            if (polled_[1 + i].revents != 0) accept_from(i, now);
        }
    }
}

void HttpServer::prepare_poll(SteadyTime now) {
    polled_.assign(1, {.fd = wake_.fd(), .events = POLLIN, .revents = 0});
    polled_ids_.clear();
    const short accepted = now < accepts_again_at_ ? 0 : POLLIN;
    for (const auto& listener : listeners_)
        polled_.push_back({.fd = listener->fd(), .events = accepted, .revents = 0});
    for (const auto& [id, entry] : connections_) {
        const short events = entry.connection.events();
        // A client that has hung up is known soon enough, when its answer cannot be sent.
        if (events == 0) continue;
        polled_.push_back({.fd = entry.connection.fd(), .events = events, .revents = 0});
        polled_ids_.push_back(id);
    }
}

int HttpServer::timeout(SteadyTime now) const {
    SteadyTime until = now + std::chrono::minutes(1);
    if (now < accepts_again_at_) until = accepts_again_at_;
    for (const auto& [id, entry] : connections_)
        until = std::min(until, entry.connection.deadline().value_or(until));
    return poll_timeout(until, now);
}

void HttpServer::expire(SteadyTime now) {
    for (auto entry = connections_.begin(); entry != connections_.end();) {
        Connection& connection = entry->second.connection;
        const auto deadline = connection.deadline();
        if (deadline && *deadline <= now) connection.expire(now);
        entry = connection.is_closed() ? connections_.erase(entry) : std::next(entry);
    }
}

void HttpServer::accept_from(std::size_t listener, SteadyTime now) {
    while (true) {
        Listener::Accepted accepted = listeners_[listener]->accept();
        if (!accepted.socket.is_open()) {
            if (!is_out_of_descriptors(errno)) return;
            give_up_idle(listener);
            accepts_again_at_ = now + kNoDescriptorsPause;
            return;
        }
        const auto open = std::count_if(
            connections_.begin(), connections_.end(),
            [listener](const auto& entry) { return entry.second.listener == listener; });
        if (static_cast<std::size_t>(open) >= kMostConnections && !give_up_idle(listener)) continue;
        const ConnectionId id = ++last_id_;
        connections_.emplace(
            id,
            Entry{Connection(std::move(accepted.socket), std::move(accepted.peer), now), listener});
        // What it sent is often there already: it then need not wait for the next turn.
        proceed(id, now);
    }
}

bool HttpServer::give_up_idle(std::size_t listener) {
    const auto idle =
        std::find_if(connections_.begin(), connections_.end(), [listener](const auto& entry) {
            return entry.second.listener == listener && entry.second.connection.is_idle();
        });
    if (idle == connections_.end()) return false;
    connections_.erase(idle);
    return true;
}

void HttpServer::proceed(ConnectionId id, SteadyTime now) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection& connection = found->second.connection;
    connection.proceed(now);
    if (auto request = connection.take_request()) {
        RequestWorkers& workers = handler_.is_slow(*request) ? patient_ : prompt_;
        workers.add([this, id, request = *std::move(request), peer = connection.peer()] {
            answer(id, request, peer);
        });
    } else if (connection.is_closed()) {
        connections_.erase(found);
    }
}

void HttpServer::answer(ConnectionId id, const HttpRequest& request, const Peer& peer) {
    HttpResponse response = handled(handler_, request, peer);
    {
        const std::scoped_lock lock(mutex_);
        answers_.emplace_back(id, std::move(response));
    }
    wake_.notify();
}

void HttpServer::send_answers(SteadyTime now) {
    std::vector<std::pair<ConnectionId, HttpResponse>> answers;
    {
        const std::scoped_lock lock(mutex_);
        answers.swap(answers_);
    }
    for (const auto& [id, response] : answers) {
        const auto found = connections_.find(id);
        if (found != connections_.end()) found->second.connection.answer(response, now);
    }
}

}  // namespace rococo::svchost::http
