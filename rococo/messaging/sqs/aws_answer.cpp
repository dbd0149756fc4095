// SPDX-License-Identifier: MIT
#include "aws_answer.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "endpoint.hpp"
#include "rococo/base/timestamp.hpp"

namespace rococo::messaging::sqs {
namespace {

template <std::size_t N>
bool one_of(std::string_view code, const std::array<std::string_view, N>& codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
}

// The words of SQS ("Common Errors") and of the front ends before it.
constexpr std::array<std::string_view, 10> kThrottled{
    "RequestThrottled", "ThrottlingException", "Throttling", "ThrottledException",
    "RequestLimitExceeded", "TooManyRequestsException", "RequestThrottledException", "SlowDown",
    "OverLimit",
    // Created anew within 60 s of its deletion.
    "QueueDeletedRecently"};
constexpr std::array<std::string_view, 5> kUnknownKey{
    "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure",
    "MissingAuthenticationToken"};
constexpr std::array<std::string_view, 4> kWrongSecret{"SignatureDoesNotMatch",
                                                       "InvalidSignatureException",
                                                       "InvalidSignature", "IncompleteSignature"};
constexpr std::array<std::string_view, 5> kDenied{"AccessDenied", "AccessDeniedException",
                                                  "UnauthorizedOperation", "NotAuthorized",
                                                  "KmsAccessDenied"};
constexpr std::array<std::string_view, 4> kSkew{"RequestTimeTooSkewed", "RequestExpired",
                                                "RequestInTheFuture", "InvalidSignatureException"};

/// `com.amazonaws.sqs#QueueDoesNotExist`, `AWS.SimpleQueueService.NonExistentQueue;Sender` and
/// `QueueDoesNotExist:` name one thing.
std::string bare_code(std::string_view code) {
    if (const auto hash = code.rfind('#'); hash != std::string_view::npos) {
        code.remove_prefix(hash + 1);
    }
    code = code.substr(0, code.find_first_of(";:"));
    constexpr std::string_view kOldPrefix = "AWS.SimpleQueueService.";
    if (code.starts_with(kOldPrefix)) code.remove_prefix(kOldPrefix.size());
    if (code == "NonExistentQueue") return "QueueDoesNotExist";
    return std::string(code);
}

/// The service's own sentence, on one line and short. A refused signature's is left out: it quotes
/// the signed headers, the session token among them.
std::string sentence_of(const nlohmann::json& document) {
    for (const char* key : {"message", "Message"}) {
        const auto found = document.find(key);
        if (found == document.end() || !found->is_string()) continue;
        auto text = found->get<std::string>().substr(0, 300);
        std::replace_if(
            text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
        return text;
    }
    return {};
}

CallResult fail(ErrorKind kind, bool passing, std::string code, std::string message,
                bool unreached = false) {
    return tl::unexpected(
        CallFailure{{kind, std::move(message)}, std::move(code), passing, unreached});
}

CallResult refused(const HttpAnswer& answer, const CallSubject& subject,
                   const nlohmann::json& document, const std::string& code) {
    const auto who =
        fmt::format("access key {} (from {})", subject.access_key_id, subject.credentials_source);
    if (one_of(code, kThrottled) || answer.status == 429) {
        return fail(ErrorKind::unavailable, true, code,
                    fmt::format("SQS throttles {} on '{}': {} {}.", subject.action, subject.queue,
                                code, sentence_of(document)));
    }
    if (answer.status >= 500 || code.empty()) {
        return fail(ErrorKind::unavailable, true, code,
                    fmt::format("SQS at {} answered {} with HTTP {} {}.", subject.endpoint,
                                subject.action, answer.status, code));
    }
    if (one_of(code, kUnknownKey)) {
        return fail(ErrorKind::configuration, false, code,
                    fmt::format("AWS does not accept {}: {}. Check AWS_ACCESS_KEY_ID, and "
                                "AWS_SESSION_TOKEN where the key is a temporary one.",
                                who, code));
    }
    if (one_of(code, kWrongSecret)) {
        return fail(
            ErrorKind::configuration, false, code,
            fmt::format("AWS refuses the signature of {}: {}. The secret does not belong to "
                        "the key (check AWS_SECRET_ACCESS_KEY), or AWS_REGION '{}' is not "
                        "the endpoint's.",
                        who, code, subject.region));
    }
    if (may_be_clock_skew(code)) {
        return fail(ErrorKind::configuration, false, code,
                    fmt::format("AWS refuses the time of the request: {}. Set this machine's "
                                "clock.",
                                code));
    }
    if (is_expired_token(code)) {
        return fail(ErrorKind::configuration, false, code,
                    fmt::format("The session token of {} has expired. Give a fresh one "
                                "(AWS_SESSION_TOKEN), or credentials that renew themselves.",
                                who));
    }
    if (one_of(code, kDenied)) {
        return fail(
            ErrorKind::configuration, false, code,
            fmt::format("Permission sqs:{} on queue '{}' in {} is missing for {}: {}. "
                        "Allow it in the identity's or the queue's policy.",
                        subject.action, subject.queue, subject.region, who, sentence_of(document)));
    }
    if (code == "QueueDoesNotExist") {
        return fail(ErrorKind::configuration, false, code,
                    fmt::format("SQS queue '{}' does not exist in region {} ({}). Check its name, "
                                "QUEUE_NAME_PREFIX and AWS_REGION.",
                                subject.queue, subject.region, subject.endpoint));
    }
    return fail(ErrorKind::configuration, false, code,
                fmt::format("SQS refuses {} on queue '{}': {}: {}.", subject.action, subject.queue,
                            code, sentence_of(document)));
}

}  // namespace

bool may_be_clock_skew(const std::string& code) { return one_of(code, kSkew); }

bool is_expired_token(const std::string& code) {
    return code == "ExpiredToken" || code == "ExpiredTokenException" ||
           code == "TokenRefreshRequired";
}

bool is_unknown_key(const std::string& code) { return one_of(code, kUnknownKey); }

std::optional<SystemTime> answer_date(const HttpAnswer& answer) {
    const std::string text(answer.header("date"));
    if (text.empty()) return std::nullopt;
    const auto seconds = curl_getdate(text.c_str(), nullptr);
    if (seconds < 0 ||
        seconds > std::chrono::floor<std::chrono::seconds>(kLatestTime.time_since_epoch()).count())
        return std::nullopt;
    return SystemTime(std::chrono::seconds(seconds));
}

CallResult read_answer(const HttpAnswer& answer, const CallSubject& subject) {
    if (!answer.failure.empty()) {
        return fail(ErrorKind::unavailable, true, "",
                    fmt::format("SQS at {} cannot be reached for {}: {}. Check the network, "
                                "AWS_REGION and AWS_ENDPOINT_URL.",
                                subject.endpoint, subject.action, answer.failure),
                    true);
    }
    if (answer.status >= 300 && answer.status < 400) {
        return fail(ErrorKind::configuration, false, "",
                    fmt::format("{} answers {} with a redirect to '{}', which is not followed with "
                                "a signed request. Check AWS_ENDPOINT_URL.",
                                subject.endpoint, subject.action,
                                mask_userinfo(answer.header("location").substr(0, 300))));
    }
    // Deletes may be answered with nothing at all.
    auto document = answer.body.empty() ? nlohmann::json::object()
                                        : nlohmann::json::parse(answer.body, nullptr, false);
    if (answer.status == 200) {
        if (document.is_object()) return document;
        return fail(ErrorKind::unavailable, true, "",
                    fmt::format("{} answered {} with {} bytes that are not JSON ({}): cut off, or "
                                "not from SQS.",
                                subject.endpoint, subject.action, answer.body.size(),
                                answer.header("content-type")));
    }
    if (!document.is_object()) document = nlohmann::json::object();
    std::string code;
    if (const auto type = document.find("__type"); type != document.end() && type->is_string()) {
        code = bare_code(type->get<std::string>());
    } else {
        code = bare_code(answer.header("x-amzn-query-error"));
    }
    return refused(answer, subject, document, code);
}

}  // namespace rococo::messaging::sqs
