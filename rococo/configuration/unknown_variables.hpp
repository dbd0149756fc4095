// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rococo {

/// Variable names and their origins.
using VariableOrigins = std::map<std::string, std::string, std::less<>>;

/// A warning for each variable that looks like a misspelling of one of ours, by its prefix
/// (`RABBITMQ_HOTS`) or a small edit distance (`MAX_ATTEMPS`). Variables of the RabbitMQ server,
/// its images and Kubernetes are left out.
[[nodiscard]] std::vector<std::string> unknown_variable_warnings(const VariableOrigins& variables);

}  // namespace rococo
