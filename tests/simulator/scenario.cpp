// SPDX-License-Identifier: MIT
#include "scenario.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>

#include "random.hpp"

namespace rococo::simulator {

using namespace std::chrono_literals;

namespace {

template <typename T, std::size_t N>
T one_of(Random& random, const std::array<T, N>& choices) {
    return choices[random.between(0, N - 1)];
}

Message draw_message(Random& random, Duration over, Duration usual) {
    Message message;
    message.sent_after = random.between(0us, over);
    message.duration = random.between(0us, usual);
    message.bytes =
        random.per_mille(20) ? random.between(100'000, 2'000'000) : random.between(10, 2'000);
    const auto kind = random.between(0, 999);
    if (kind < 900) return message;
    message.bad_attempts = static_cast<unsigned>(random.between(1, 8));
    message.behaviour = kind < 950   ? Behaviour::fail
                        : kind < 970 ? Behaviour::retry_after
                        : kind < 985 ? Behaviour::permanent
                        : kind < 993 ? Behaviour::crash
                                     : Behaviour::hang;
    if (message.behaviour == Behaviour::hang) {
        message.bad_attempts = random.per_mille(500) ? 1 : 8;
        message.duration = random.between(10s, 90s);
    }
    return message;
}

Fault draw_fault(Random& random, std::size_t hosts, Duration over) {
    Fault fault;
    fault.kind = static_cast<Fault::Kind>(random.between(0, 7));
    fault.host = random.between(0, hosts - 1);
    fault.at = random.between(0us, over);
    fault.lasts = random.between(10ms, 15s);
    return fault;
}

// None of these failed before there were children.
bool has_children(std::uint64_t seed) { return seed % 8 == 3 || seed % 16 == 1 || seed % 16 == 10; }

/// `timed`: what hangs is ended by PROCESS_TIMEOUT.
void draw_for_child(Random& random, Message& message, bool timed) {
    message.deaf = random.per_mille(500);
    if (message.behaviour != Behaviour::ok) return;
    const auto kind = random.between(0, 999);
    if (kind < 20) message.duration = random.between(5ms, 300ms);
    if (kind < (timed ? 960 : 980)) return;
    message.bad_attempts = static_cast<unsigned>(random.between(1, 8));
    message.behaviour = kind < 980   ? Behaviour::hang
                        : kind < 990 ? Behaviour::lie
                                     : Behaviour::leave;
    if (message.behaviour == Behaviour::hang) message.duration = random.between(10s, 90s);
}

/// Children fill windows where messages are many and short.
void draw_children(Random& random, Scenario& scenario, Duration over) {
    for (std::size_t host = 0; host < scenario.hosts; ++host)
        scenario.with_children.push_back(random.per_mille(700));
    scenario.child_batches = random.per_mille(200);
    if (scenario.child_batches) scenario.workers.max_batch = random.between(2, 20);
    const bool at_once = random.per_mille(700);
    const bool short_ones = random.per_mille(500);
    for (Message& message : scenario.messages) {
        if (at_once) message.sent_after /= 100;
        if (short_ones && message.behaviour != Behaviour::hang) message.duration /= 100;
        draw_for_child(random, message, scenario.workers.process_timeout.count() > 0);
    }
    const auto deaths = random.between(0, 4);
    for (std::uint64_t i = 0; i <= deaths; ++i) {
        Fault& fault = scenario.faults.emplace_back(draw_fault(random, scenario.hosts, over + 5s));
        fault.kind = i == deaths && random.per_mille(200) ? Fault::Kind::break_children
                                                          : Fault::Kind::end_children;
        if (at_once) fault.at /= 100;
    }
}

}  // namespace

Scenario draw(std::uint64_t seed) {
    Random random(seed * 0x2545F4914F6CDD1DU + 1);
    Scenario scenario;
    scenario.seed = seed;
    scenario.queue = static_cast<QueueKind>(random.between(0, 3));
    scenario.hosts = random.between(1, 3);
    scenario.shared_state = random.per_mille(500);
    scenario.workers.workers =
        one_of<std::size_t>(random, std::array<std::size_t, 5>{1, 1, 2, 4, 9});
    scenario.workers.max_batch = random.per_mille(250) ? random.between(2, 20) : 1;
    scenario.workers.process_timeout = random.per_mille(500) ? random.between(1s, 20s) : 0s;
    scenario.host.workers = scenario.workers.workers;
    scenario.host.prefetch = random.per_mille(400) ? random.between(1, 60) : 0;
    scenario.host.max_bytes_in_hand =
        random.per_mille(300) ? random.between(1'000, 3'000'000) : std::size_t{1} << 40U;
    scenario.host.retry.max_attempts = static_cast<std::uint32_t>(random.between(1, 6));
    scenario.host.retry.first_delay = std::chrono::milliseconds(random.between(0, 4'000));
    scenario.host.retry.max_delay = 30s;
    scenario.host.retry.drop_failed = random.per_mille(50);
    scenario.host.drain_timeout = std::chrono::milliseconds(random.between(100, 20'000));
    scenario.host.watch_process_timeout = scenario.workers.process_timeout.count() > 0;
    scenario.exit_when_finished = random.per_mille(300);
    scenario.consumer_timeout = random.per_mille(200) ? random.between(5s, 60s) : 0s;
    scenario.latency = one_of<Duration>(random, std::array<Duration, 4>{50us, 1ms, 20ms, 300ms});

    const Duration over = one_of<Duration>(random, std::array<Duration, 3>{100ms, 5s, 40s});
    const Duration usual =
        one_of<Duration>(random, std::array<Duration, 4>{20us, 1ms, 20ms, 500ms});
    scenario.messages.resize(random.between(200, 260));
    for (Message& message : scenario.messages) message = draw_message(random, over, usual);
    const auto faults = random.per_mille(100) ? 0 : random.between(1, 8);
    for (std::uint64_t i = 0; i < faults; ++i)
        scenario.faults.push_back(draw_fault(random, scenario.hosts, over + 20s));
    // What scenarios learn later is drawn last, and by seeds that never failed before, so that
    // those that failed once tell their stories on.
    if (seed % 7 == 3) {
        scenario.faults.push_back(draw_fault(random, scenario.hosts, over + 20s));
        scenario.faults.back().kind = Fault::Kind::pause;
    }
    if (has_children(seed)) draw_children(random, scenario, over);
    return scenario;
}

const char* name(QueueKind kind) {
    return std::array{"classic", "quorum", "sqs", "lease"}[static_cast<std::size_t>(kind)];
}
const char* name(Behaviour behaviour) {
    return std::array{"ok", "fail", "retry_after", "permanent", "crash", "hang", "lie", "leave"}
        [static_cast<std::size_t>(behaviour)];
}
const char* name(Fault::Kind kind) {
    return std::array{"cut",    "kill",         "lose_state",    "drain",
                      "freeze", "block",        "refuse_copies", "lose_confirms",
                      "pause",  "end_children", "break_children"}[static_cast<std::size_t>(kind)];
}

std::string describe(const Scenario& s) {
    std::string text = fmt::format(
        "seed {}: {} queue, {} host(s){}, {} worker(s), batches of {}, PROCESS_TIMEOUT {}, "
        "PREFETCH "
        "{}, "
        "bytes {}, MAX_ATTEMPTS {}, RETRY_DELAY {}, DRAIN_TIMEOUT {}{}{}, consumer timeout {}, "
        "latency {}\n",
        s.seed, name(s.queue), s.hosts, s.shared_state ? " of one state" : "", s.workers.workers,
        s.workers.max_batch, s.workers.process_timeout, s.host.prefetch, s.host.max_bytes_in_hand,
        s.host.retry.max_attempts, s.host.retry.first_delay, s.host.drain_timeout,
        s.host.retry.drop_failed ? ", ON_FAILURE=ack" : "",
        s.exit_when_finished ? ", EXIT_WHEN_FINISHED" : "", s.consumer_timeout, s.latency);
    for (std::size_t host = 0; host < s.hosts; ++host)
        if (s.has_children(host))
            text += fmt::format("  host {} has children{}\n", host,
                                s.child_batches ? " that take batches" : "");
    for (std::size_t i = 0; i < s.messages.size() && s.messages.size() <= 20; ++i) {
        const Message& m = s.messages[i];
        text += fmt::format("  m{}: sent at {}, {} B, takes {}, {}", i, m.sent_after, m.bytes,
                            m.duration, name(m.behaviour));
        text += m.behaviour == Behaviour::ok ? "\n" : fmt::format(" x {}\n", m.bad_attempts);
    }
    for (const Fault& f : s.faults)
        text += fmt::format("  {} of host {} at {}, for {}\n", name(f.kind), f.host, f.at, f.lasts);
    return text;
}

}  // namespace rococo::simulator
