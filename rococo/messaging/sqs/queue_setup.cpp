// SPDX-License-Identifier: MIT
#include "queue_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "rococo/base/try.hpp"

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

bool is_denied(const CallFailure& failure) {
    return !failure.passing && failure.code.find("Denied") != std::string::npos;
}

Error denied_to_create(const CallFailure& failure, const Queue& queue, const std::string& region) {
    if (!is_denied(failure)) return failure.error;
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

/// A right that is missing now would be missing when the first message is given up: the host says
/// so before it begins.
Error no_place_for_dead_letters(const CallFailure& failure, const Queue& queue,
                                const std::string& name) {
    return {failure.error.kind,
            fmt::format("Dead letters of SQS queue '{}' go to '{}', which these credentials cannot "
                        "reach: {}",
                        queue.name, name, failure.error.message)};
}

/// The address that dead letters of the queue go to.
QueueAddress address_of_dead_letters(const Queue& queue, const SqsApi::Attributes& attributes) {
    if (const auto policy = read_redrive_policy(attributes)) {
        if (auto target = parse_queue_address(policy->target_arn)) return *target;
    }
    return {dead_letter_name(queue.name), "", "", ""};
}

/// Finds the place where dead letters of the queue go, or creates it; none, and a warning, where
/// there is no such place.
Result<std::optional<Queue>> find_dead_letters(SqsApi& api, const QueueSetup& setup,
                                               const SqsApi::Attributes& attributes,
                                               const SqsSettings& settings, Logger logger) {
    const auto& address = setup.dead_letter_address;
    const auto until = give_up_at(api, settings);
    auto found = api.find_queue(address, until);
    if (!found && found.error().code == "QueueDoesNotExist" && settings.create_queue &&
        address.by_name()) {
        found = api.create_queue(address.name, dead_letter_attributes(address.name), until);
        if (found) logger.info("Created '{}' for dead letters.", address.name);
    }
    if (!found && is_denied(found.error())) {
        const auto error = no_place_for_dead_letters(found.error(), setup.queue, address.name);
        return tl::unexpected(error);
    }
    if (!found) {
        logger.warning(
            "There is no place for dead letters: {} Until there is, messages that are given "
            "up wait and are tried again.",
            found.error().error.message);
        return std::nullopt;
    }
    if (const auto policy = read_redrive_policy(attributes)) {
        logger.info("SQS itself moves messages to '{}' after {} receives; dead letters go there.",
                    found->name, policy->max_receives);
    }
    return *found;
}

std::chrono::seconds own_visibility(const SqsApi::Attributes& attributes) {
    return std::chrono::seconds(number_at<long>(attributes, "VisibilityTimeout", 30));
}

tl::expected<SqsApi::Attributes, CallFailure> ask_attributes(SqsApi& api, const Queue& queue,
                                                             const SqsSettings& settings) {
    static constexpr std::array<std::string_view, 2> kNames{"VisibilityTimeout", "RedrivePolicy"};
    return api.attributes(queue, kNames, give_up_at(api, settings));
}

std::string cannot_look(const CallFailure& failure, std::chrono::seconds visibility) {
    return fmt::format("{} Its visibility timeout is taken to be {} s and its redrive policy none.",
                       failure.error.message, visibility.count());
}

}  // namespace

std::chrono::seconds visibility_in_force(std::optional<std::chrono::seconds> wished,
                                         std::chrono::seconds own) {
    constexpr std::chrono::seconds kShortest{1};
    constexpr std::chrono::seconds kLongest{12 * 3600};
    const bool own_one = !wished || *wished <= std::chrono::seconds(0);
    return std::clamp(own_one ? own : *wished, kShortest, kLongest);
}

SqsApi::Attributes dead_letter_attributes(const std::string& name) {
    auto wanted = creation_attributes(name);
    wanted["MessageRetentionPeriod"] = kFourteenDays;
    return wanted;
}

Result<Queue> find_or_create(SqsApi& api, const QueueAddress& address, const SqsSettings& settings,
                             Logger logger) {
    const auto until = give_up_at(api, settings);
    auto found = api.find_queue(address, until);
    if (found) return *found;
    const bool absent = found.error().code == "QueueDoesNotExist";
    if (!absent || !address.by_name() || !settings.create_queue) {
        return tl::unexpected(found.error());
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
    ROCOCO_ASSIGN_OR_RETURN(auto queue, find_or_create(api, address, settings, logger));
    QueueSetup setup;
    setup.queue = queue;
    auto attributes = ask_attributes(api, queue, settings);
    if (!attributes && !is_denied(attributes.error())) {
        return tl::unexpected(attributes.error());
    }
    setup.own_visibility = own_visibility(attributes.value_or(SqsApi::Attributes()));
    setup.visibility = visibility_in_force(settings.visibility_timeout, setup.own_visibility);
    if (!attributes) {
        logger.warning("{}", cannot_look(attributes.error(), setup.visibility));
        attributes = SqsApi::Attributes();
    }
    setup.dead_letter_address = address_of_dead_letters(queue, *attributes);
    ROCOCO_ASSIGN_OR_RETURN(setup.dead_letters,
                            find_dead_letters(api, setup, *attributes, settings, logger));
    return setup;
}

Result<std::vector<std::string>> check_queue(SqsApi& api, const QueueAddress& address,
                                             const SqsSettings& settings) {
    std::vector<std::string> notes;
    const auto& region = api.caller().region();
    const bool may_create = address.by_name() && settings.create_queue;
    auto queue = api.find_queue(address, give_up_at(api, settings));
    SqsApi::Attributes known;
    if (queue) {
        auto attributes = ask_attributes(api, *queue, settings);
        if (!attributes && !is_denied(attributes.error())) {
            return tl::unexpected(attributes.error());
        }
        if (attributes) known = *attributes;
        if (!attributes) {
            notes.push_back(cannot_look(
                attributes.error(),
                visibility_in_force(settings.visibility_timeout, own_visibility(known))));
        }
    } else if (queue.error().code == "QueueDoesNotExist" && may_create) {
        notes.push_back(fmt::format(
            "SQS queue '{}' does not exist yet in region {}; it is created at the start, which "
            "takes the permission sqs:CreateQueue. If that is a slip, check the queue variable and "
            "QUEUE_NAME_PREFIX.",
            address.name, region));
        queue = Queue{address.name, ""};
    } else {
        return tl::unexpected(queue.error());
    }
    const auto letters = address_of_dead_letters(*queue, known);
    const auto found = api.find_queue(letters, give_up_at(api, settings));
    if (found) return notes;
    if (found.error().code == "QueueDoesNotExist") {
        const bool made = letters.by_name() && settings.create_queue;
        notes.push_back(fmt::format(
            "The dead-letter queue '{}' of '{}' does not exist yet in region {}; {}.", letters.name,
            queue->name, region,
            made ? "it is created at the start, which takes the permission sqs:CreateQueue"
                 : "until it does, messages that are given up wait and are tried again"));
        return notes;
    }
    if (is_denied(found.error())) {
        return tl::unexpected(no_place_for_dead_letters(found.error(), *queue, letters.name));
    }
    return tl::unexpected(found.error());
}

Result<std::optional<Queue>> look_up_dead_letters(SqsApi& api, const Queue& queue,
                                                  SteadyTime give_up_at) {
    static constexpr std::array<std::string_view, 1> kNames{"RedrivePolicy"};
    ROCOCO_ASSIGN_OR_RETURN(const auto attributes, api.attributes(queue, kNames, give_up_at));
    auto found = api.find_queue(address_of_dead_letters(queue, attributes), give_up_at);
    if (found) return *found;
    if (found.error().code == "QueueDoesNotExist") return std::nullopt;
    return tl::unexpected(found.error());
}

}  // namespace rococo::messaging::sqs
