// SPDX-License-Identifier: MIT
// The scripted broker as a program: `scripted_broker [SCRIPT]`, a script as broker_json.hpp has it.
// It prints its port, then answers each line of its standard input, a command, with a line of JSON.
// It ends with its input.
#include <exception>
#include <iostream>
#include <string>

#include "broker_json.hpp"

int main(int argc, char** argv) {
    using namespace rococo::messaging::tests;
    try {
        const auto script = nlohmann::json::parse(argc > 1 ? argv[1] : "{}");
        ScriptedBroker broker(broker_options(script));
        apply_queues_and_rules(script, broker);
        std::cout << broker.port() << std::endl;
        std::string line;
        while (std::getline(std::cin, line)) {
            nlohmann::json answer;
            try {
                answer = obey(nlohmann::json::parse(line), broker);
            } catch (const std::exception& error) {
                answer = {{"error", error.what()}};
            }
            std::cout << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                      << std::endl;
        }
    } catch (const std::exception& error) {
        std::cerr << "scripted_broker: " << error.what() << '\n';
        return 64;
    }
    return 0;
}
