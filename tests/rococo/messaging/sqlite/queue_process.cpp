// SPDX-License-Identifier: MIT
// A process of its own that uses a queue file, for tests that kill it.
//
//   queue_process send    FILE QUEUE PREFIX COUNT   sends messages PREFIX-0 … one by one
//   queue_process consume FILE QUEUE JOURNAL        notes each id in JOURNAL, then acknowledges it;
//                                                   ends once nothing is left for anybody
//   queue_process hold    FILE QUEUE COUNT          takes messages and sleeps
//   queue_process hold-new FILE QUEUE COUNT         sends messages and holds them
//   queue_process check   FILE                      checks it, as user 65534 if it may
//   queue_process write   FILE QUEUE                sleeps in the midst of a write transaction
//   queue_process open    FILE                      opens it, as user 65534 if it may
//
// `hold` and `write` print "ready" first. Exit code 1 with a text on standard error for errors.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "database.hpp"
#include "rococo/messaging/sqlite/sqlite_connection.hpp"
#include "rococo/messaging/sqlite/sqlite_sender.hpp"
#include "statement.hpp"

namespace {

using namespace rococo;
using namespace rococo::messaging;
using Arguments = std::vector<std::string>;

int report(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
}

void say_ready_and_sleep() {
    std::puts("ready");
    std::fflush(stdout);
    while (true) ::pause();
}

SqliteSettings settings(const Arguments& arguments) {
    SqliteSettings result;
    result.path = arguments.at(2);
    return result;
}

RandomSource random_source() {
    return [engine = std::mt19937_64(std::random_device{}())]() mutable { return engine(); };
}

int send(const Arguments& arguments, const Clock& clock) {
    auto sender = SqliteSender::open(settings(arguments), clock, random_source());
    if (!sender) return report(sender.error());
    const int count = std::stoi(arguments.at(5));
    for (int i = 0; i < count; ++i) {
        OutgoingMessage message;
        message.id = arguments.at(4) + "-" + std::to_string(i);
        message.body = message.id;
        if (auto sent = (*sender)->send(arguments.at(3), message); !sent) {
            return report(sent.error());
        }
    }
    return 0;
}

int consume(const Arguments& arguments, const Clock& clock) {
    SqliteConnection connection(settings(arguments), arguments.at(3), clock);
    if (auto opened = connection.open(); !opened) return report(opened.error());
    connection.limit({.deliveries = 20});
    const int journal =
        ::open(arguments.at(4).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    while (true) {
        Events events;
        const auto deadline = clock.steady_now() + std::chrono::milliseconds(50);
        if (auto got = connection.receive(deadline, events); !got) return report(got.error());
        Settlements settlements;
        for (auto& delivery : events.deliveries) {
            const auto line =
                std::string(delivery->id) + " " + std::to_string(delivery->attempt) + "\n";
            if (::write(journal, line.data(), line.size()) < 0) return 1;
            settlements.emplace_back().delivery = std::move(delivery);
        }
        const bool idle = settlements.empty();
        if (auto settled = connection.settle(std::move(settlements)); !settled) return 1;
        if (idle && connection.unsettled() == 0) {
            const auto empty = connection.empty();
            if (!empty) return report(empty.error());
            if (*empty) return 0;
        }
    }
}

int hold(const Arguments& arguments, const Clock& clock) {
    SqliteConnection connection(settings(arguments), arguments.at(3), clock);
    if (auto opened = connection.open(); !opened) return report(opened.error());
    connection.limit({.deliveries = std::stoul(arguments.at(4))});
    Events events;
    const auto deadline = clock.steady_now() + std::chrono::minutes(4);
    if (auto got = connection.receive(deadline, events); !got) return report(got.error());
    say_ready_and_sleep();
    return 0;
}

int hold_new(const Arguments& arguments, const Clock& clock) {
    auto sender = SqliteSender::open(settings(arguments), clock, random_source());
    if (!sender) return report(sender.error());
    const std::vector<OutgoingMessage> messages(std::stoul(arguments.at(4)));
    if (auto sent = (*sender)->send(arguments.at(3), messages); !sent) return report(sent.error());
    return hold(arguments, clock);
}

int write(const Arguments& arguments, const Clock& clock) {
    auto database =
        sqlite::Database::open(settings(arguments), sqlite::Database::IfAbsent::create, clock);
    if (!database) return report(database.error());
    auto written = (*database)->write(std::chrono::minutes(4), [&]() -> Result<void> {
        sqlite::Statement remove(**database, "DELETE FROM message");
        if (auto done = remove.bind().run(); !done) return done;
        say_ready_and_sleep();
        return {};
    });
    return written ? 0 : report(written.error());
}

bool become_nobody() {
    return ::geteuid() != 0 || (::setegid(65534) == 0 && ::seteuid(65534) == 0);
}

int check(const Arguments& arguments, const Clock& clock) {
    if (!become_nobody()) return 2;
    SqliteConnection connection(settings(arguments), "work", clock);
    auto checked = connection.check();
    return checked ? 0 : report(checked.error());
}

int open(const Arguments& arguments, const Clock& clock) {
    if (!become_nobody()) return 2;
    SqliteConnection connection(settings(arguments), "work", clock);
    auto opened = connection.open();
    return opened ? 0 : report(opened.error());
}

}  // namespace

int main(int argc, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that fails leaves no process behind.
    const Arguments arguments(argv, argv + argc);
    const RealClock clock;
    const std::string command = argc > 2 ? arguments[1] : "";
    if (command == "send") return send(arguments, clock);
    if (command == "consume") return consume(arguments, clock);
    if (command == "hold") return hold(arguments, clock);
    if (command == "hold-new") return hold_new(arguments, clock);
    if (command == "check") return check(arguments, clock);
    if (command == "write") return write(arguments, clock);
    if (command == "open") return open(arguments, clock);
    std::fputs("usage: queue_process send|consume|hold|hold-new|check|write|open FILE ...\n",
               stderr);
    return 64;
}
