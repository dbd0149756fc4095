// SPDX-License-Identifier: MIT
// Credentials that the machine hands out: the container's agent and the instance's metadata
// service.
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "credential_sources.hpp"
#include "endpoint.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo/base/utc_text.hpp"

namespace rococo::messaging::sqs {
namespace {

/// These services are on the machine itself: slower than that is not there.
constexpr std::chrono::seconds kTimeout{1};
constexpr int kTries = 2;
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} * 1024;
constexpr std::string_view kContainerAgent = "http://169.254.170.2";
constexpr std::string_view kInstanceService = "http://169.254.169.254";

HttpRequest plain_request(std::string method, std::string url) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = std::move(url);
    request.connect_timeout = kTimeout;
    request.timeout = kTimeout;
    request.max_answer_bytes = kMaxAnswerBytes;
    request.direct = true;
    return request;
}

HttpAnswer fetch_twice(const SourceContext& context, const HttpRequest& request) {
    HttpAnswer answer;
    for (int i = 0; i < kTries; ++i) {
        answer = context.fetch(request);
        if (answer.failure.empty() && answer.status < 500) break;
    }
    return answer;
}

std::string reason_of(const HttpAnswer& answer) {
    return answer.failure.empty() ? fmt::format("HTTP {}", answer.status) : answer.failure;
}

std::string text_at(const nlohmann::json& document, const char* key) {
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
}

/// The JSON that both services answer with.
SourceResult read_keys(const HttpAnswer& answer, std::string source) {
    const auto document = nlohmann::json::parse(answer.body, nullptr, false);
    if (!document.is_object()) {
        return failure(ErrorKind::unavailable,
                       fmt::format("AWS credentials from {}: the answer is not JSON.", source));
    }
    if (const auto code = text_at(document, "Code"); !code.empty() && code != "Success") {
        return failure(ErrorKind::unavailable,
                       fmt::format("AWS credentials from {}: it answered {}: {}.", source, code,
                                   text_at(document, "Message")));
    }
    Credentials keys{text_at(document, "AccessKeyId"), text_at(document, "SecretAccessKey"),
                     text_at(document, "Token"), parse_utc(text_at(document, "Expiration")),
                     std::move(source)};
    if (keys.access_key_id.empty() || keys.secret_access_key.empty()) {
        return failure(
            ErrorKind::unavailable,
            fmt::format("AWS credentials from {}: the answer has no keys.", keys.source));
    }
    return keys;
}

/// Plain HTTP shows the token to everybody on the way: only to the machine itself.
Result<std::string> container_url(const SourceContext& context) {
    std::string name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
    auto value = context.variables(name);
    std::string address = value ? std::string(kContainerAgent) + *value : std::string();
    const bool is_path = !value || value->starts_with('/');
    if (!value) {
        name = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        value = context.variables(name);
        if (!value) return std::string();
        address = *value;
    }
    const auto url = split_url(address);
    const bool safe = url.scheme == "https" || (url.scheme == "http" && is_own_address(url));
    if (safe && is_path && !url.userinfo) return address;
    return failure(
        ErrorKind::configuration,
        fmt::format("{}='{}': the token may go to an https address, and by plain http to loopback "
                    "(127.0.0.0/8, [::1]) and the container's agent (169.254.170.2, "
                    "169.254.170.23, [fd00:ec2::23]) only, without a user name. Use https.",
                    name, mask_userinfo(*value)));
}

Result<std::string> container_token(const SourceContext& context) {
    std::string token;
    if (const auto path = context.variables("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
        ROCOCO_ASSIGN_OR_RETURN(auto text, read_small_file(*path));
        token = std::string(trim(text));
    } else {
        token = context.variables("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
    }
    if (token.find_first_of("\r\n") != std::string::npos) {
        return failure(ErrorKind::configuration,
                       "The container's authorization token must be one line.");
    }
    return token;
}

}  // namespace

SourceResult container_credentials(const SourceContext& context) {
    ROCOCO_ASSIGN_OR_RETURN(const auto url, container_url(context));
    if (url.empty()) return std::nullopt;
    ROCOCO_ASSIGN_OR_RETURN(const auto token, container_token(context));

    auto request = plain_request("GET", url);
    if (!token.empty()) request.headers.emplace_back("Authorization", token);
    const auto answer = fetch_twice(context, request);
    if (answer.status != 200) {
        const bool refused = answer.status >= 400 && answer.status < 500;
        return failure(refused ? ErrorKind::configuration : ErrorKind::unavailable,
                       fmt::format("AWS credentials from the container's agent {}: {}.",
                                   split_url(url).authority, reason_of(answer)));
    }
    return read_keys(answer, "the container's agent");
}

SourceResult instance_credentials(const SourceContext& context, std::string* why_not) {
    std::string ignored;
    std::string& note = why_not != nullptr ? *why_not : ignored;
    if (context.variables("AWS_EC2_METADATA_DISABLED").value_or("") == "true") {
        note = "AWS_EC2_METADATA_DISABLED is true";
        return std::nullopt;
    }
    auto base = context.variables("AWS_EC2_METADATA_SERVICE_ENDPOINT")
                    .value_or(std::string(kInstanceService));
    while (base.ends_with('/')) base.pop_back();

    auto token_request = plain_request("PUT", base + "/latest/api/token");
    token_request.headers = {{"Content-Length", "0"},
                             {"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
    const auto token = context.fetch(token_request);
    if (token.status != 200) {
        note = "its metadata service: " + reason_of(token);
        return std::nullopt;
    }
    const auto get = [&](const std::string& path) {
        auto request = plain_request("GET", base + path);
        request.headers = {{"X-aws-ec2-metadata-token", std::string(trim(token.body))}};
        return fetch_twice(context, request);
    };
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    const auto roles = get(path);
    const std::string role(trim(roles.body.substr(0, roles.body.find('\n'))));
    if (roles.status == 404 || (roles.status == 200 && role.empty())) {
        note = "it has no role attached";
        return std::nullopt;
    }
    const auto keys = roles.status == 200 ? get(path + role) : roles;
    if (keys.status != 200) {
        return failure(ErrorKind::unavailable,
                       fmt::format("AWS credentials from the instance: {}.", reason_of(keys)));
    }
    return read_keys(keys, "the instance's role " + role);
}

}  // namespace rococo::messaging::sqs
