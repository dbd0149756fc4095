// SPDX-License-Identifier: MIT
// Answers questions on standard input, one a line, with words separated by tabs: an expression, a
// zone, a moment (seconds since 1970) and a count. The answer is a line: the moments of the next
// runs, or the first line of the error.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "rococo_svchost/scheduling/cron_expression.hpp"
#include "rococo_svchost/scheduling/time_zone.hpp"

int main() {
    using rococo::svchost::CronExpression;
    using rococo::svchost::TimeZone;
    std::map<std::string, TimeZone> zones;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream words(line);
        std::string text;
        std::string zone;
        std::string after;
        std::string count;
        std::getline(words, text, '\t');
        std::getline(words, zone, '\t');
        std::getline(words, after, '\t');
        std::getline(words, count, '\t');
        const auto expression = CronExpression::parse(text);
        if (!expression) {
            const auto& message = expression.error().message;
            std::cout << "error: " << message.substr(0, message.find('\n')) << '\n';
            continue;
        }
        if (!zones.contains(zone)) zones.emplace(zone, TimeZone::load(zone).value());
        rococo::SystemTime cursor{std::chrono::seconds(std::stoll(after))};
        for (int i = 0; i < std::stoi(count); ++i) {
            const auto next = expression->next(cursor, zones.at(zone));
            if (!next) break;
            cursor = *next;
            std::cout
                << (i == 0 ? "" : " ")
                << std::chrono::floor<std::chrono::seconds>(cursor).time_since_epoch().count();
        }
        std::cout << '\n';
    }
}
