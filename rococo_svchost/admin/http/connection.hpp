// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "http/http_request.hpp"
#include "http/http_response.hpp"
#include "http/listener.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost::http {

/// One connection: a request, its answer, the end. Never blocks.
///
/// **Thread-safety**: none.
class Connection {
public:
    /// How long a client may take for its request, and for reading the answer.
    static constexpr std::chrono::seconds kPatience{5};

    Connection(FileDescriptor socket, Peer peer, SteadyTime now)
        : socket_(std::move(socket)), peer_(std::move(peer)), deadline_(now + kPatience) {}

    /// What to wait for with poll(2); 0: nothing, as an answer is being made.
    [[nodiscard]] short events() const;
    /// Does what poll(2) found to be possible.
    void proceed(SteadyTime now);
    /// To be called at the deadline: a request that is incomplete is refused, all else closed.
    void expire(SteadyTime now);

    /// The request, once it is complete; from then on the answer is waited for.
    [[nodiscard]] std::optional<HttpRequest> take_request();
    void answer(const HttpResponse& response, SteadyTime now);

    [[nodiscard]] int fd() const { return socket_.get(); }
    [[nodiscard]] const Peer& peer() const { return peer_; }
    [[nodiscard]] bool is_closed() const { return state_ == State::closed; }
    /// Whether it waits for its client: such a connection may be given up for another.
    [[nodiscard]] bool is_idle() const {
        return state_ == State::reading || state_ == State::lingering;
    }
    /// The latest time for the client's next step; none while the answer is made here.
    [[nodiscard]] std::optional<SteadyTime> deadline() const;

private:
    enum class State {
        reading,    ///< The request.
        complete,   ///< The request waits to be taken.
        answering,  ///< It was taken.
        writing,    ///< The answer.
        lingering,  ///< All is written; waits for the client's end.
        closed,
    };

    void read(SteadyTime now);
    void take_bytes(std::string_view bytes, SteadyTime now);
    void write(SteadyTime now);
    void linger(SteadyTime now);

    FileDescriptor socket_;
    Peer peer_;
    State state_ = State::reading;
    SteadyTime deadline_;
    RequestReader reader_;
    bool with_body_ = true;
    std::string out_;
    std::size_t written_ = 0;
};

}  // namespace rococo::svchost::http
