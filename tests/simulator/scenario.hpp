// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rococo_svchost/runtime/dispatcher.hpp"
#include "rococo_svchost/runtime/job_board.hpp"
#include "timeline.hpp"

namespace rococo::simulator {

/// What a simulated queue does as its real counterpart does.
enum class QueueKind {
    classic,  ///< RabbitMQ's: redelivers, counts nothing, pushes over a connection.
    quorum,   ///< RabbitMQ's: the same, and says how often it redelivered.
    sqs,      ///< Counts receives, hides for a time, delivers some twice.
    lease,    ///< The embedded queue: in place, in one transaction, for as long as the host lives.
};

/// What processing a message does. A crash and a hang cost the host dearly, or the child where it
/// has one; what only a child can do is a failure elsewhere.
enum class Behaviour {
    ok,
    fail,
    retry_after,
    permanent,
    crash,
    hang,
    lie,    ///< The child says what cannot be.
    leave,  ///< The child reports a failure and ends.
};

/// What `retry_after` asks for, and what it says.
inline constexpr Duration kRetryAfter{1'500'000};
inline constexpr const char* kLater = "later";

struct Message {
    Behaviour behaviour = Behaviour::ok;
    unsigned bad_attempts = 0;  ///< So many times it behaves like that; then it is processed.
    Duration duration{};        ///< Of processing it.
    std::size_t bytes = 100;
    Duration sent_after{};  ///< Since the start.
    bool deaf = false;      ///< A hang that does not listen to `cancelled()`.
};

struct Fault {
    enum class Kind {
        cut,             ///< The host's connection is lost; both sides notice, each in its time.
        kill,            ///< SIGKILL.
        lose_state,      ///< SIGKILL, and the state folder is gone.
        drain,           ///< SIGTERM; started again afterwards.
        freeze,          ///< SIGSTOP, and SIGCONT after `lasts`.
        block,           ///< The queue takes no copies for as long as `lasts`.
        refuse_copies,   ///< The queue refuses copies for as long as `lasts`.
        lose_confirms,   ///< Answers to copies get lost for as long as `lasts`.
        pause,           ///< The host takes no new messages for as long as `lasts`.
        end_children,    ///< SIGKILL for some of the host's children.
        break_children,  ///< The same, and none can be started for as long as `lasts`.
    };
    Kind kind = Kind::cut;
    std::size_t host = 0;
    Duration at{};
    Duration lasts{};
};

/// All that happens to a queue and its hosts, but for latencies, which come from the seed.
struct Scenario {
    std::uint64_t seed = 0;
    QueueKind queue = QueueKind::classic;
    std::size_t hosts = 1;
    bool shared_state = false;  ///< The hosts have one STATE_DIR, as on one machine.
    svchost::JobBoard::Settings workers;
    svchost::Dispatcher::Settings host;
    bool exit_when_finished = false;  ///< The last host does, once all faults are over.
    Duration consumer_timeout{};      ///< RabbitMQ's, or the longest SQS lets a message be hidden.
    Duration latency{};               ///< One way, at most.
    std::vector<Message> messages;
    std::vector<Fault> faults;
    /// By host: its workers' processors have processes of their own.
    std::vector<bool> with_children;
    bool child_batches = false;  ///< These take batches, not windows.

    [[nodiscard]] bool has_children(std::size_t number) const {
        return number < with_children.size() && with_children[number];
    }
};

/// The scenario of a seed.
[[nodiscard]] Scenario draw(std::uint64_t seed);

/// For people, a few lines.
[[nodiscard]] std::string describe(const Scenario& scenario);

[[nodiscard]] const char* name(QueueKind kind);
[[nodiscard]] const char* name(Behaviour behaviour);
[[nodiscard]] const char* name(Fault::Kind kind);

}  // namespace rococo::simulator
