// SPDX-License-Identifier: MIT
// Sends the lines of its standard input, each confirmed by the broker, with nothing of the host:
//
//     send_example amqp://user:password@host:5672/vhost QUEUE < lines
#include <iostream>
#include <random>
#include <string>

#include "rococo/messaging/rabbitmq/rabbitmq_sender.hpp"

int main(int argc, char** argv) {
    using namespace rococo;
    if (argc != 3) {
        std::cerr << "usage: send_example URL QUEUE\n";
        return 64;
    }
    const auto settings = messaging::parse_rabbitmq_url(argv[1]);
    if (!settings) {
        std::cerr << settings.error().message << '\n';
        return exit_code(settings.error().kind);
    }
    std::vector<messaging::OutgoingMessage> messages;
    for (std::string line; std::getline(std::cin, line);) messages.emplace_back().body = line;

    const RealClock clock;
    std::random_device seed;
    const auto random = [engine = std::mt19937_64(seed())]() mutable { return engine(); };
    messaging::RabbitMqSender sender(*settings, clock, Logger(), random);
    const auto sent = sender.send(argv[2], messages);
    if (!sent) {
        std::cerr << sent.error().message << '\n';
        return exit_code(sent.error().kind);
    }
    std::cout << messages.size() << " messages are in '" << argv[2] << "'\n";
    return 0;
}
