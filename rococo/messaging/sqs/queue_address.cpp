// SPDX-License-Identifier: MIT
#include "queue_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "endpoint.hpp"
#include "rococo/base/text.hpp"

namespace rococo::messaging::sqs {
namespace {

constexpr std::size_t kMaxNameLength = 80;
constexpr std::string_view kFifo = ".fifo";

tl::unexpected<Error> invalid(std::string_view text, std::string_view why) {
    return failure(ErrorKind::configuration,
                   fmt::format("SQS queue '{}': {}. A queue is given by its name (1 to 80 of A-Z, "
                               "a-z, 0-9, '_' and '-', and '.fifo' at the end for a FIFO queue), "
                               "its URL or its ARN. Check the queue variable and "
                               "QUEUE_NAME_PREFIX.",
                               mask_userinfo(text), why));
}

bool plain(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-'; }

std::string fault_of(std::string_view name) {
    if (name.empty()) return "the name is empty";
    if (name.size() > kMaxNameLength) {
        return fmt::format("the name has {} characters, at most {} are allowed", name.size(),
                           kMaxNameLength);
    }
    auto stem = name;
    if (stem.ends_with(kFifo)) stem.remove_suffix(kFifo.size());
    if (stem.empty()) return "there is nothing before '.fifo'";
    const auto* const odd = std::find_if_not(stem.begin(), stem.end(), plain);
    if (odd == stem.end()) return {};
    const auto at = static_cast<std::size_t>(odd - stem.begin());
    return fmt::format("character {} of the name is not allowed", at + 1);
}

Result<QueueAddress> checked(QueueAddress address, std::string_view text) {
    if (const auto fault = fault_of(address.name); !fault.empty()) return invalid(text, fault);
    return address;
}

Result<QueueAddress> from_arn(std::string_view text) {
    std::array<std::string_view, 6> parts;
    auto rest = text;
    for (auto& part : parts) {
        const auto end = std::min(rest.find(':'), rest.size());
        part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    if (parts[2] != "sqs" || parts[3].empty() || parts[4].empty() || !rest.empty()) {
        return invalid(text, "an SQS ARN reads arn:aws:sqs:REGION:ACCOUNT:NAME");
    }
    return checked({std::string(parts[5]), "", std::string(parts[4]), std::string(parts[3])}, text);
}

Result<QueueAddress> from_url(std::string_view text) {
    const auto url = split_url(text);
    const auto slash = url.path.rfind('/');
    if (url.host.empty() || slash == 0 || url.userinfo || url.fragment || !url.query.empty()) {
        return invalid(text, "an SQS URL reads https://sqs.REGION.amazonaws.com/ACCOUNT/NAME");
    }
    return checked({url.path.substr(slash + 1), std::string(text), "", region_of_host(url.host)},
                   text);
}

}  // namespace

Result<QueueAddress> parse_queue_address(std::string_view text) {
    if (text.starts_with("arn:")) return from_arn(text);
    if (text.starts_with("http://") || text.starts_with("https://")) return from_url(text);
    return checked({std::string(text), "", "", ""}, text);
}

std::string dead_letter_name(std::string_view queue_name) {
    constexpr std::string_view kSuffix = "-dead-letter";
    const bool fifo = queue_name.ends_with(kFifo);
    auto stem = fifo ? queue_name.substr(0, queue_name.size() - kFifo.size()) : queue_name;
    // Of the longest names the end gives way: the limit is SQS's own.
    const auto room = kMaxNameLength - kSuffix.size() - (fifo ? kFifo.size() : 0);
    stem = stem.substr(0, room);
    return fmt::format("{}{}{}", stem, kSuffix, fifo ? kFifo : "");
}

}  // namespace rococo::messaging::sqs
