// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rococo {

/// Variables and where each comes from.
using VariableOrigins = std::map<std::string, std::string, std::less<>>;

/// A line for each variable that is none of ours and looks like a mistyped one of ours: by its
/// prefix (`RABBITMQ_HOTS`) or by a small distance (`MAX_ATTEMPS`). Not for those that RabbitMQ's
/// own server, its images or Kubernetes set.
[[nodiscard]] std::vector<std::string> unknown_variable_warnings(const VariableOrigins& variables);

}  // namespace rococo
