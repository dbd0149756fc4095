// SPDX-License-Identifier: MIT
// Sends messages to an embedded queue: in batches as fast as it goes, or one every so often, then
// with a line for each that tells its id and when it was safe (monotonic, in nanoseconds).
//
//   paced_sender FILE QUEUE MESSAGES BODY_BYTES [INTERVAL_MS]
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "rococo/messaging/sqlite/sqlite_sender.hpp"

namespace {

using namespace rococo;
using namespace rococo::messaging;

constexpr long kBatch = 500;

int report(const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return 1;
}

int send_all(SqliteSender& sender, const char* queue, long count, const std::string& body) {
    OutgoingMessage message;
    message.body = body;
    std::vector<OutgoingMessage> batch(kBatch, message);
    for (long done = 0; done < count; done += kBatch) {
        if (count - done < kBatch) batch.resize(static_cast<std::size_t>(count - done));
        if (auto sent = sender.send(queue, batch); !sent) return report(sent.error());
    }
    return 0;
}

int send_paced(SqliteSender& sender, const char* queue, long count, const std::string& body,
               std::chrono::milliseconds interval) {
    OutgoingMessage message;
    message.body = body;
    for (long i = 0; i < count; ++i) {
        message.id = "paced-" + std::to_string(i);
        if (auto sent = sender.send(queue, message); !sent) return report(sent.error());
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        std::printf("%s %lld\n", message.id.c_str(),
                    static_cast<long long>(
                        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
        std::this_thread::sleep_for(interval);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fputs("usage: paced_sender FILE QUEUE MESSAGES BODY_BYTES [INTERVAL_MS]\n", stderr);
        return 64;
    }
    const RealClock clock;
    SqliteSettings settings;
    settings.path = argv[1];
    auto sender = SqliteSender::open(
        settings, clock,
        [engine = std::mt19937_64(std::random_device{}())]() mutable { return engine(); });
    if (!sender) return report(sender.error());
    const long count = std::stol(argv[3]);
    const std::string body(std::stoul(argv[4]), 'x');
    if (argc == 5) return send_all(**sender, argv[2], count, body);
    return send_paced(**sender, argv[2], count, body,
                      std::chrono::milliseconds(std::stol(argv[5])));
}
