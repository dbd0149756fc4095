// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "scripted_broker.hpp"

namespace rococo::messaging::tests {

/// Options, queues and rules of a scripted broker as JSON, for tests in other languages:
///
///     {"version": "4.0.5", "confirm_after_ms": 20, "no_configure": [".*dead-letter"],
///      "queues": [{"name": "work", "arguments": {"x-queue-type": "quorum"},
///                  "messages": ["body", {"body": "…", "id": "1", "headers": {"a": 1}}]}],
///      "rules": [{"method": "basic.publish", "role": "copies", "queue": "work.*", "from": 3,
///                 "times": 1, "steps": [["close_channel", 406, "PRECONDITION_FAILED - …"]]}]}
///
/// Steps: `answer`, `nothing`, `close_channel` and `close_connection` (code, text), `drop`,
/// `reset`, `raw` (hexadecimal), `later` (milliseconds, step), `confirm` and `refuse` (multiple or
/// not), `keep_unconfirmed`, `return`, `cancel_consumers`, `blocked` (reason), `unblocked`,
/// `stop_reading`, `go_on_reading`, `pace` (bytes, milliseconds), `deliver_announcing` (size as
/// text, bodies…).
///
/// **Errors**: std::exception, naming what is wrong.
[[nodiscard]] BrokerOptions broker_options(const nlohmann::json& script);
void apply_options(const nlohmann::json& script, BrokerOptions& options);
void apply_queues_and_rules(const nlohmann::json& script, ScriptedBroker& broker);
[[nodiscard]] Action step_of(const nlohmann::json& step);

/// One command to a running broker, and its answer:
///
///     {"now": "consumer", "step": ["cancel_consumers"]}    how many connections it met
///     {"put": "work", "body": "x"}, {"remove": "work"}, {"rules": […]}, {"queues": […]},
///     {"forget_rules": true}, {"change": {"no_write": []}}  "ok"
///     {"ready": "work"}       messages ready, -1 where there is no such queue
///     {"messages": "work"}    what is ready: body, headers, and whether it was delivered before
///     {"record": true}        what was received, with bodies
[[nodiscard]] nlohmann::json obey(const nlohmann::json& command, ScriptedBroker& broker);

}  // namespace rococo::messaging::tests
