// SPDX-License-Identifier: MIT
#include "queue_setup.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

namespace rococo::messaging::sqs {
namespace {

/// The longest that SQS keeps messages, in seconds: dead letters wait for a person.
constexpr std::string_view kFourteenDays = "1209600";

SteadyTime give_up_at(SqsApi& api, const SqsSettings& settings) {
    return api.caller().clock().steady_now() + settings.open_timeout;
}

SqsApi::Attributes creation_attributes(const std::string& name) {
    if (!name.ends_with(".fifo")) return {};
    return {{"FifoQueue", "true"}};
}

Error denied_to_create(const CallFailure& failure, const Queue& queue, const std::string& region) {
    if (failure.passing || failure.code.find("Denied") == std::string::npos) return failure.error;
    return {failure.error.kind,
            fmt::format("SQS queue '{}' does not exist in region {}, and these credentials may not "
                        "create it. Check its name, QUEUE_NAME_PREFIX and AWS_REGION, create it, "
                        "or allow sqs:CreateQueue.",
                        queue.name, region)};
}

struct RedrivePolicy {
    std::string target_arn;
    std::string max_receives;
};

std::optional<RedrivePolicy> read_redrive_policy(const SqsApi::Attributes& attributes) {
    const auto found = attributes.find("RedrivePolicy");
    if (found == attributes.end()) return std::nullopt;
    const auto document = nlohmann::json::parse(found->second, nullptr, false);
    if (!document.is_object()) return std::nullopt;
    const auto target = document.find("deadLetterTargetArn");
    if (target == document.end() || !target->is_string()) return std::nullopt;
    const auto receives = document.find("maxReceiveCount");
    return RedrivePolicy{target->get<std::string>(), receives == document.end() ? "?"
                                                     : receives->is_string()
                                                         ? receives->get<std::string>()
                                                         : receives->dump()};
}

std::optional<Queue> find_redrive_target(SqsApi& api, const RedrivePolicy& policy,
                                         const SqsSettings& settings, Logger logger) {
    const auto address = parse_queue_address(policy.target_arn);
    if (!address) return std::nullopt;
    auto target = api.find_queue(*address, give_up_at(api, settings));
    if (target) {
        logger.info("SQS itself moves messages to '{}' after {} receives; dead letters go there.",
                    target->name, policy.max_receives);
        return *target;
    }
    logger.warning("The redrive target {} of the queue cannot be used: {}", policy.target_arn,
                   target.error().error.message);
    return std::nullopt;
}

/// Where dead letters of the queue go; none, and a warning, where there is no such place.
std::optional<Queue> find_dead_letters(SqsApi& api, const Queue& queue,
                                       const SqsApi::Attributes& attributes,
                                       const SqsSettings& settings, Logger logger) {
    if (const auto policy = read_redrive_policy(attributes)) {
        if (auto target = find_redrive_target(api, *policy, settings, logger)) return target;
    }
    const auto name = dead_letter_name(queue.name);
    const auto until = give_up_at(api, settings);
    auto found = api.find_queue({name, "", "", ""}, until);
    if (!found && found.error().code == "QueueDoesNotExist" && settings.create_queue) {
        auto wanted = creation_attributes(name);
        wanted["MessageRetentionPeriod"] = kFourteenDays;
        found = api.create_queue(name, wanted, until);
        if (found) logger.info("Created '{}' for dead letters.", name);
    }
    if (found) return *found;
    logger.warning(
        "There is no place for dead letters: {} Until there is, messages that are given "
        "up wait and are tried again.",
        found.error().error.message);
    return std::nullopt;
}

}  // namespace

Result<Queue> find_or_create(SqsApi& api, const QueueAddress& address, const SqsSettings& settings,
                             Logger logger) {
    const auto until = give_up_at(api, settings);
    auto found = api.find_queue(address, until);
    if (found) return *found;
    const bool absent = found.error().code == "QueueDoesNotExist";
    if (!absent || !address.by_name() || !settings.create_queue) {
        return tl::unexpected(found.error().error);
    }
    auto created = api.create_queue(address.name, creation_attributes(address.name), until);
    if (!created) {
        return tl::unexpected(
            denied_to_create(created.error(), {address.name, ""}, api.caller().region()));
    }
    logger.warning(
        "SQS queue '{}' did not exist in region {}: created it. If that is a slip, check "
        "the queue variable and QUEUE_NAME_PREFIX.",
        address.name, api.caller().region());
    return *created;
}

Result<QueueSetup> set_up_queue(SqsApi& api, const QueueAddress& address,
                                const SqsSettings& settings, Logger logger) {
    auto queue = find_or_create(api, address, settings, logger);
    if (!queue) return tl::unexpected(queue.error());
    QueueSetup setup{*queue, std::nullopt,
                     settings.visibility_timeout.value_or(std::chrono::seconds(30))};
    static constexpr std::array<std::string_view, 2> kNames{"VisibilityTimeout", "RedrivePolicy"};
    auto attributes = api.attributes(*queue, kNames, give_up_at(api, settings));
    if (!attributes) {
        if (attributes.error().code.find("Denied") == std::string::npos) {
            return tl::unexpected(attributes.error().error);
        }
        logger.warning("{} Its visibility timeout is taken to be {} s and its redrive policy none.",
                       attributes.error().error.message, setup.visibility.count());
        attributes = SqsApi::Attributes();
    }
    const auto& own = (*attributes)["VisibilityTimeout"];
    if (!settings.visibility_timeout && !own.empty()) {
        long seconds = 30;
        std::from_chars(own.data(), own.data() + own.size(), seconds);
        // A queue that hides nothing would hand every message to everybody at once.
        setup.visibility = std::chrono::seconds(std::max(seconds, 1L));
    }
    setup.dead_letters = find_dead_letters(api, *queue, *attributes, settings, logger);
    return setup;
}

Result<std::optional<Queue>> look_up_dead_letters(SqsApi& api, const Queue& queue,
                                                  SteadyTime give_up_at) {
    static constexpr std::array<std::string_view, 1> kNames{"RedrivePolicy"};
    const auto attributes = api.attributes(queue, kNames, give_up_at);
    if (!attributes) return tl::unexpected(attributes.error().error);
    QueueAddress address{dead_letter_name(queue.name), "", "", ""};
    if (const auto policy = read_redrive_policy(*attributes)) {
        if (auto target = parse_queue_address(policy->target_arn)) address = std::move(*target);
    }
    auto found = api.find_queue(address, give_up_at);
    if (found) return *found;
    if (found.error().code == "QueueDoesNotExist") return std::nullopt;
    return tl::unexpected(found.error().error);
}

}  // namespace rococo::messaging::sqs
