// SPDX-License-Identifier: MIT
#include "missing_variables.hpp"

#include <cstdlib>
#include <string>
#include <string_view>

namespace rococo::svchost {

namespace {

/// Whether the variable has a value, valid or not.
bool is_given(const Configuration& configuration, const std::string& name) {
    const auto has_value = [&](const std::string& variable) {
        const char* value = std::getenv(variable.c_str());
        if (value != nullptr) return *value != '\0';
        const auto found = configuration.additional_environment().find(variable);
        return found != configuration.additional_environment().end() && !found->second.empty();
    };
    return has_value(name) || has_value(name + "_FILE");
}

/// Whether the variable is set, even to an empty value.
bool is_mentioned(const Configuration& configuration, const std::string& name) {
    return std::getenv(name.c_str()) != nullptr ||
           configuration.additional_environment().contains(name) || is_given(configuration, name);
}

void warn(const Logger& logger, std::string_view name, std::string_view instead) {
    logger.warning("Variable {} not found. Using {}", name, instead);
}

/// The port's default depends on TLS and the thread count's on NUM_THREADS, so neither is in the
/// table.
void warn_of_rabbitmq(const Configuration& configuration, const Logger& logger) {
    if (!configuration.has("RABBITMQ_URL")) {
        for (const char* name : {"RABBITMQ_HOST", "RABBITMQ_USER", "RABBITMQ_VIRTUAL_HOST"}) {
            if (!is_given(configuration, name)) warn(logger, name, configuration.text(name));
        }
        if (!is_given(configuration, "RABBITMQ_PORT"))
            warn(logger, "RABBITMQ_PORT", configuration.boolean("RABBITMQ_TLS") ? "5671" : "5672");
        if (!is_given(configuration, "RABBITMQ_PASSWORD"))
            warn(logger, "RABBITMQ_PASSWORD", "the broker's default");
    }
    if (!is_given(configuration, "RABBITMQ_NUM_THREADS") && !is_given(configuration, "NUM_THREADS"))
        warn(logger, "RABBITMQ_NUM_THREADS", configuration.text("NUM_THREADS"));
}

/// Not a warning, because roles and profiles provide credentials without variables.
void tell_of_sqs(const Configuration& configuration, const Logger& logger) {
    if (!is_given(configuration, "AWS_ACCESS_KEY_ID") && !is_given(configuration, "AWS_PROFILE"))
        logger.info("Variable AWS_ACCESS_KEY_ID not found. Using the standard credential chain");
    if (!is_given(configuration, "AWS_REGION") && !is_given(configuration, "AWS_DEFAULT_REGION"))
        logger.info("Variable AWS_REGION not found. Using the profile's region");
}

}  // namespace

void warn_of_missing_variables(const Configuration& configuration, const Logger& logger) {
    if (!is_given(configuration, "EXECUTION_TYPE"))
        warn(logger, "EXECUTION_TYPE", configuration.text("EXECUTION_TYPE"));
    if (configuration.text("EXECUTION_TYPE") == "CRON") return;
    if (!is_mentioned(configuration, "QUEUE_NAME_PREFIX"))
        warn(logger, "QUEUE_NAME_PREFIX", "no prefix");
    if (!is_given(configuration, "MESSAGING_TYPE"))
        warn(logger, "MESSAGING_TYPE",
             "SqliteConnection, the embedded queue in " +
                 configuration.path("SQLITE_PATH").string());
    const std::string& type = configuration.text("MESSAGING_TYPE");
    if (type == "RabbitMqConnection") warn_of_rabbitmq(configuration, logger);
    if (type == "SqsConnection") tell_of_sqs(configuration, logger);
}

}  // namespace rococo::svchost
