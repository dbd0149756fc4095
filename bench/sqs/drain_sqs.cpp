// SPDX-License-Identifier: MIT
// Consumes an SQS queue until so many messages are deleted, and tells how long it took. A program
// outside the host: it needs rococo::sqs and nothing else.
//
//     AWS_REGION=… AWS_ENDPOINT_URL=… drain_sqs QUEUE MESSAGES [PREFETCH]
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "rococo/messaging/sqs/sqs_connection.hpp"

using rococo::messaging::Events;
using rococo::messaging::Settlements;
using rococo::messaging::SqsConnection;
using rococo::messaging::SqsSettings;

namespace {

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int fail(const rococo::Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return rococo::exit_code(error.kind);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return 64;
    const auto wanted = std::strtoul(argv[2], nullptr, 10);
    const auto prefetch = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 200;

    const rococo::RealClock clock;
    SqsConnection connection(SqsSettings(), argv[1], clock);
    connection.limit({.deliveries = prefetch});
    if (const auto opened = connection.open(); !opened) return fail(opened.error());

    const auto requests_before = connection.requests();
    const auto cpu_before = cpu_seconds();
    const auto start = clock.steady_now();
    unsigned long handled = 0;
    while (handled < wanted || connection.unsettled() > 0) {
        Events events;
        if (const auto got =
                connection.receive(clock.steady_now() + std::chrono::seconds(1), events);
            !got) {
            return fail(got.error());
        }
        Settlements settlements;
        for (auto& delivery : events.deliveries) {
            settlements.push_back(
                {std::move(delivery), rococo::messaging::Verdict::ack, {}, 1, "", ""});
        }
        handled += settlements.size();
        if (const auto settled = connection.settle(std::move(settlements)); !settled) {
            return fail(settled.error());
        }
    }
    const std::chrono::duration<double> took = clock.steady_now() - start;
    std::printf("%lu %.6f %.6f %lu\n", handled, took.count(), cpu_seconds() - cpu_before,
                static_cast<unsigned long>(connection.requests() - requests_before));
    connection.close();
    return 0;
}
