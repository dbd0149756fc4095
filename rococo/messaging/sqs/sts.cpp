// SPDX-License-Identifier: MIT
// Roles, taken on through AWS STS (query protocol, version 2011-06-15).
#include <fmt/format.h>

#include <chrono>

#include "credential_sources.hpp"
#include "endpoint.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/utc_text.hpp"
#include "sigv4.hpp"

namespace rococo::messaging::sqs {
namespace {

constexpr std::chrono::seconds kTimeout{5};
constexpr int kTries = 3;
/// Web identity tokens and session tokens are a few KiB.
constexpr std::size_t kMaxAnswerBytes = std::size_t{256} * 1024;

/// The text of the first element of that name. The answers are flat enough for that, and their
/// values (keys, tokens, times) are base64 and digits: nothing is escaped in them.
std::string element(std::string_view xml, std::string_view name) {
    const auto open = fmt::format("<{}>", name);
    const auto from = xml.find(open);
    if (from == std::string_view::npos) return {};
    const auto rest = xml.substr(from + open.size());
    const auto to = rest.find(fmt::format("</{}>", name));
    return to == std::string_view::npos ? std::string() : std::string(trim(rest.substr(0, to)));
}

std::string sts_url(const SourceContext& context) {
    if (const auto url = configured_endpoint(context.variables, "STS")) {
        return without_userinfo(*url);
    }
    return fmt::format("https://sts.{}.{}/", context.region, dns_suffix(context.region));
}

HttpRequest form_request(const SourceContext& context, std::string body) {
    HttpRequest request;
    request.url = sts_url(context);
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.body = std::move(body);
    request.timeout = kTimeout;
    request.max_answer_bytes = kMaxAnswerBytes;
    request.ca_bundle = context.ca_bundle;
    return request;
}

std::string common_parameters(std::string_view action, const Role& role) {
    const auto session =
        role.session_name.empty() ? std::string("rococo-service-host") : role.session_name;
    return fmt::format("Action={}&Version=2011-06-15&RoleArn={}&RoleSessionName={}", action,
                       percent_encode(role.arn), percent_encode(session));
}

void sign_for_sts(HttpRequest& request, const SourceContext& context, const Credentials& base) {
    const auto url = split_url(request.url);
    const auto at = context.clock->now();
    request.headers.emplace_back("X-Amz-Date", amz_date(at));
    if (!base.session_token.empty()) {
        request.headers.emplace_back("X-Amz-Security-Token", base.session_token);
    }
    SignableRequest signable{"POST", url.path, url.query, request.headers, request.body};
    signable.headers.emplace_back("Host", url.authority);
    request.headers.emplace_back("Authorization",
                                 authorization(signable, {context.region, "sts", at}, base));
}

SourceResult read_answer(const HttpAnswer& answer, const Role& role, const std::string& url) {
    if (answer.status != 200) {
        const auto code = element(answer.body, "Code");
        const auto reason = !answer.failure.empty() ? answer.failure
                            : code.empty()
                                ? fmt::format("HTTP {}", answer.status)
                                : fmt::format("{}: {}", code, element(answer.body, "Message"));
        // Refused for good: the token, the role's trust or the permission is wrong.
        const bool refused = answer.status >= 400 && answer.status < 500 && answer.status != 429 &&
                             code != "Throttling" && code != "IDPCommunicationError";
        return failure(refused ? ErrorKind::configuration : ErrorKind::unavailable,
                       fmt::format("AWS role '{}' cannot be assumed through {}: {}. Check the "
                                   "role's trust policy and the identity that assumes it.",
                                   role.arn, mask_userinfo(url), reason));
    }
    Credentials credentials{
        element(answer.body, "AccessKeyId"), element(answer.body, "SecretAccessKey"),
        element(answer.body, "SessionToken"), parse_utc(element(answer.body, "Expiration")),
        fmt::format("role {}", role.arn)};
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty() ||
        credentials.session_token.empty() || !credentials.expires_at) {
        return failure(ErrorKind::unavailable,
                       fmt::format("{} answered without credentials for role '{}'.",
                                   mask_userinfo(url), role.arn));
    }
    return credentials;
}

SourceResult ask(const SourceContext& context, const Role& role, const HttpRequest& request) {
    SourceResult result;
    for (int i = 0; i < kTries; ++i) {
        result = read_answer(context.fetch(request), role, request.url);
        if (result || result.error().kind == ErrorKind::configuration) break;
    }
    return result;
}

}  // namespace

SourceResult assume_role(const SourceContext& context, const Role& role, const Credentials& base) {
    auto body = common_parameters("AssumeRole", role);
    if (!role.external_id.empty()) body += "&ExternalId=" + percent_encode(role.external_id);
    auto request = form_request(context, std::move(body));
    sign_for_sts(request, context, base);
    return ask(context, role, request);
}

SourceResult assume_role_with_token(const SourceContext& context, const Role& role,
                                    const std::string& token_file) {
    const auto token = read_small_file(token_file);
    if (!token) {
        return failure(ErrorKind::configuration,
                       fmt::format("AWS web identity token: {}", token.error().message));
    }
    auto body = common_parameters("AssumeRoleWithWebIdentity", role) +
                "&WebIdentityToken=" + percent_encode(trim(*token));
    return ask(context, role, form_request(context, std::move(body)));
}

SourceResult web_identity_credentials(const SourceContext& context) {
    const auto token_file = context.variables("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!token_file) return std::nullopt;
    const auto role_arn = context.variables("AWS_ROLE_ARN");
    if (!role_arn) {
        return failure(ErrorKind::configuration,
                       "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not. Set both.");
    }
    const Role role{*role_arn, context.variables("AWS_ROLE_SESSION_NAME").value_or(""), ""};
    return assume_role_with_token(context, role, *token_file);
}

}  // namespace rococo::messaging::sqs
