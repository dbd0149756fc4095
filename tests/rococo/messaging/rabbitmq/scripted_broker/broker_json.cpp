// SPDX-License-Identifier: MIT
#include "broker_json.hpp"

#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace rococo::messaging::tests {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;

wire::Value value_of(const Json& json) {
    if (json.is_boolean()) return json.get<bool>();
    if (json.is_number_integer()) return json.get<std::int64_t>();
    if (json.is_number()) return json.get<double>();
    if (json.is_string()) return json.get<std::string>();
    if (json.is_null()) return {};
    if (json.is_array()) {
        wire::Array array;
        for (const auto& item : json) array.push_back(value_of(item));
        return array;
    }
    wire::Table table;
    for (const auto& [name, item] : json.items()) table.push_back({name, value_of(item)});
    return table;
}

wire::Table table_of(const Json& json) {
    wire::Table table;
    for (const auto& [name, item] : json.items()) table.push_back({name, value_of(item)});
    return table;
}

Json json_of(const wire::Table& table);

Json json_of(const wire::Value& value) {
    if (const auto number = value.integer()) return *number;
    if (const auto* flag = std::get_if<bool>(&value.kind)) return *flag;
    if (const auto* real = std::get_if<double>(&value.kind)) return *real;
    if (const auto* table = std::get_if<wire::Table>(&value.kind)) return json_of(*table);
    if (const auto* array = std::get_if<wire::Array>(&value.kind)) {
        Json items = Json::array();
        for (const auto& item : *array) items.push_back(json_of(item));
        return items;
    }
    return value.text();
}

Json json_of(const wire::Table& table) {
    Json json = Json::object();
    for (const auto& entry : table) json[entry.name] = json_of(entry.value);
    return json;
}

void put(const Json& message, const std::string& queue, ScriptedBroker& broker) {
    if (message.is_string()) return broker.put(queue, message.get<std::string>());
    wire::Properties properties;
    if (message.contains("id")) properties.message_id = message.at("id").get<std::string>();
    if (message.contains("headers")) properties.headers = table_of(message.at("headers"));
    broker.put(queue, message.at("body").get<std::string>(), std::move(properties));
}

std::string bytes_of_hexadecimal(const std::string& digits) {
    std::string bytes;
    for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
        bytes += static_cast<char>(std::stoi(digits.substr(at, 2), nullptr, 16));
    return bytes;
}

milliseconds ms(const Json& json) { return milliseconds(json.get<std::int64_t>()); }

using StepMaker = std::function<Action(const Json&)>;

const std::map<std::string, StepMaker>& step_makers() {
    static const std::map<std::string, StepMaker> makers{
        {"answer", [](const Json&) { return script::answer(); }},
        {"nothing", [](const Json&) { return script::nothing(); }},
        {"drop", [](const Json&) { return script::drop(); }},
        {"reset", [](const Json&) { return script::reset(); }},
        {"keep_unconfirmed", [](const Json&) { return script::keep_unconfirmed(); }},
        {"return", [](const Json&) { return script::return_message(); }},
        {"cancel_consumers", [](const Json&) { return script::cancel_consumers(); }},
        {"unblocked", [](const Json&) { return script::unblocked(); }},
        {"stop_reading", [](const Json&) { return script::stop_reading(); }},
        {"go_on_reading", [](const Json&) { return script::go_on_reading(); }},
        {"close_channel",
         [](const Json& step) {
             return script::close_channel(step.at(1).get<std::uint16_t>(),
                                          step.at(2).get<std::string>());
         }},
        {"close_connection",
         [](const Json& step) {
             return script::close_connection(step.at(1).get<std::uint16_t>(),
                                             step.at(2).get<std::string>());
         }},
        {"raw",
         [](const Json& step) {
             return script::raw(bytes_of_hexadecimal(step.at(1).get<std::string>()));
         }},
        {"later",
         [](const Json& step) { return script::later(ms(step.at(1)), step_of(step.at(2))); }},
        {"confirm",
         [](const Json& step) {
             return script::confirm(step.size() > 1 && step.at(1).get<bool>());
         }},
        {"refuse",
         [](const Json& step) {
             return script::refuse(step.size() > 1 && step.at(1).get<bool>());
         }},
        {"blocked",
         [](const Json& step) { return script::blocked(step.at(1).get<std::string>()); }},
        {"pace",
         [](const Json& step) {
             return script::pace(step.at(1).get<std::size_t>(), ms(step.at(2)));
         }},
        {"deliver_announcing",
         [](const Json& step) {
             std::vector<std::string> bodies;
             for (std::size_t at = 2; at < step.size(); ++at)
                 bodies.push_back(step.at(at).get<std::string>());
             return script::deliver_announcing(std::stoull(step.at(1).get<std::string>()), bodies);
         }},
    };
    return makers;
}

Json json_of_record(const BrokerRecord& record) {
    Json json;
    for (const auto* list : {"connections", "published", "settled", "declared", "subscribed"})
        json[list] = Json::array();
    for (const auto& each : record.connections)
        json["connections"].push_back({{"number", each.number},
                                       {"name", each.name},
                                       {"open", each.open},
                                       {"said_goodbye", each.said_goodbye},
                                       {"error", each.error}});
    for (const auto& each : record.published)
        json["published"].push_back(
            {{"connection", each.connection},
             {"queue", each.queue},
             {"body", each.body},
             {"headers", json_of(each.properties.headers.value_or(wire::Table{}))}});
    for (const auto& each : record.settled)
        json["settled"].push_back({{"connection", each.connection},
                                   {"queue", each.queue},
                                   {"body", each.body},
                                   {"ack", each.how == BrokerRecord::Settled::How::ack},
                                   {"requeue", each.requeue}});
    for (const auto& each : record.declared)
        json["declared"].push_back({{"connection", each.connection},
                                    {"queue", each.queue},
                                    {"passive", each.passive},
                                    {"arguments", json_of(each.arguments)}});
    for (const auto& each : record.subscribed)
        json["subscribed"].push_back(
            {{"connection", each.connection}, {"queue", each.queue}, {"prefetch", each.prefetch}});
    json["methods"] = Json::object();
    for (const auto& each : record.methods) {
        auto& count = json["methods"][std::string(wire::name_of(each.method))];
        count = count.is_null() ? 1 : count.get<int>() + 1;
    }
    return json;
}

}  // namespace

Action step_of(const Json& step) {
    const auto name = step.at(0).get<std::string>();
    const auto found = step_makers().find(name);
    if (found == step_makers().end()) throw std::invalid_argument("no step: " + name);
    return found->second(step);
}

void apply_options(const Json& script, BrokerOptions& options) {
    const auto read = [&script](const char* name, auto& into) {
        if (script.contains(name)) into = script.at(name).get<std::decay_t<decltype(into)>>();
    };
    const auto read_ms = [&script](const char* name, milliseconds& into) {
        if (script.contains(name)) into = ms(script.at(name));
    };
    read("version", options.version);
    read("frame_max", options.frame_max);
    read("heartbeat_seconds", options.heartbeat_seconds);
    read("users", options.users);
    read("vhost", options.vhost);
    read("max_message_bytes", options.max_message_bytes);
    read("no_configure", options.no_configure);
    read("no_write", options.no_write);
    read("no_read", options.no_read);
    read("silent", options.silent);
    read("write_bytes", options.write_bytes);
    read_ms("write_every_ms", options.write_every);
    read_ms("consumer_timeout_ms", options.consumer_timeout);
    read_ms("confirm_after_ms", options.confirm_after);
}

BrokerOptions broker_options(const Json& script) {
    BrokerOptions options;
    apply_options(script, options);
    return options;
}

void apply_queues_and_rules(const Json& script, ScriptedBroker& broker) {
    for (const auto& queue : script.value("queues", Json::array())) {
        const auto name = queue.at("name").get<std::string>();
        broker.declare(name, table_of(queue.value("arguments", Json::object())),
                       queue.value("auto_delete", false));
        for (const auto& message : queue.value("messages", Json::array()))
            put(message, name, broker);
    }
    for (const auto& rule : script.value("rules", Json::array())) {
        Trigger trigger;
        trigger.method = wire::method_named(rule.at("method").get<std::string>());
        trigger.role = rule.value("role", "");
        trigger.connection = rule.value("connection", 0);
        trigger.queue = rule.value("queue", "");
        trigger.body = rule.value("body", "");
        trigger.from = rule.value("from", 1);
        trigger.times = rule.value("times", 1);
        std::vector<Action> steps;
        for (const auto& step : rule.at("steps")) steps.push_back(step_of(step));
        broker.when(std::move(trigger), std::move(steps));
    }
}

Json obey(const Json& command, ScriptedBroker& broker) {
    if (command.contains("now"))
        return broker.now(command.at("now").get<std::string>(), step_of(command.at("step")));
    if (command.contains("ready")) return broker.ready(command.at("ready").get<std::string>());
    if (command.contains("record")) return json_of_record(broker.record());
    if (command.contains("messages")) {
        Json messages = Json::array();
        for (const auto& each : broker.messages(command.at("messages").get<std::string>()))
            messages.push_back(
                {{"body", each.body},
                 {"redelivered", each.redelivered},
                 {"headers", json_of(each.properties.headers.value_or(wire::Table{}))}});
        return messages;
    }
    if (command.contains("put")) {
        put(command, command.at("put").get<std::string>(), broker);
    } else if (command.contains("remove")) {
        broker.remove(command.at("remove").get<std::string>());
    } else if (command.contains("forget_rules")) {
        broker.forget_rules();
    } else if (command.contains("change")) {
        broker.change(
            [&](BrokerOptions& options) { apply_options(command.at("change"), options); });
    } else if (command.contains("rules") || command.contains("queues")) {
        apply_queues_and_rules(command, broker);
    } else {
        throw std::invalid_argument("no command: " + command.dump());
    }
    return "ok";
}

}  // namespace rococo::messaging::tests
