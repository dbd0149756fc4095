// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "http/connection.hpp"
#include "http/listener.hpp"
#include "http/request_workers.hpp"
#include "rococo/base/wake_event.hpp"

namespace rococo::svchost::http {

/// Answers HTTP. One thread waits for all connections and puts requests together; only complete
/// ones reach a worker, so that clients that are slow cost nobody else anything. Requests that
/// wait for a queue have workers of their own, so that probes never wait for it. Of too many
/// connections, the one that has waited longest for its client is closed.
///
/// **Thread-safety**: none; the handler is called from several threads.
class HttpServer {
public:
    /// The most connections of one listener.
    static constexpr std::size_t kMostConnections = 128;

    /// How requests are answered.
    class Handler {
    public:
        virtual ~Handler() = default;
        /// Answers a request. May throw: that is answered with 503.
        [[nodiscard]] virtual HttpResponse handle(const HttpRequest& request, const Peer& peer) = 0;
        /// Whether `handle` may wait for more than this host.
        [[nodiscard]] virtual bool is_slow(const HttpRequest& request) const = 0;

    protected:
        Handler() = default;
        Handler(const Handler&) = default;
        Handler& operator=(const Handler&) = default;
    };

    /// Handler and clock must outlive it. Throws `std::system_error` if there are no threads or
    /// descriptors left.
    HttpServer(std::vector<std::unique_ptr<Listener>> listeners, Handler& handler,
               const Clock& clock);
    /// Waits for requests that are being answered.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Closes the listeners and all connections, and waits so long for requests that are being
    /// answered. Whether all have ended.
    bool stop(std::chrono::milliseconds patience);

private:
    using ConnectionId = std::uint64_t;
    struct Entry {
        Connection connection;
        std::size_t listener;
    };

    void run(const std::stop_token& stop);
    void prepare_poll(SteadyTime now);
    [[nodiscard]] int timeout(SteadyTime now) const;
    void expire(SteadyTime now);
    void accept_from(std::size_t listener, SteadyTime now);
    /// Closes the connection of that listener that has been idle for longest. False if none is.
    bool give_up_idle(std::size_t listener);
    void proceed(ConnectionId id, SteadyTime now);
    void answer(ConnectionId id, const HttpRequest& request, const Peer& peer);
    void send_answers(SteadyTime now);

    std::vector<std::unique_ptr<Listener>> listeners_;
    Handler& handler_;
    const Clock& clock_;

    // Of the thread's own. Connections are numbered as they come, so the first are the oldest.
    std::map<ConnectionId, Entry> connections_;
    ConnectionId last_id_ = 0;
    SteadyTime accepts_again_at_{};  ///< Until then, there are no descriptors.
    std::vector<pollfd> polled_;     ///< The wake-up, listeners, and connections.
    std::vector<ConnectionId> polled_ids_;

    WakeEvent wake_;
    std::mutex mutex_;
    std::vector<std::pair<ConnectionId, HttpResponse>> answers_;  ///< Under the mutex.

    RequestWorkers prompt_{2};
    RequestWorkers patient_{2};
    std::jthread thread_;
};

}  // namespace rococo::svchost::http
