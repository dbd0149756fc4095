// SPDX-License-Identifier: MIT
#include "aws_caller.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>
#include <utility>

#include "aws_answer.hpp"
#include "credential_keeper.hpp"
#include "endpoint.hpp"
#include "rococo/base/backoff.hpp"
#include "rococo/base/duration_text.hpp"
#include "rococo/base/try.hpp"
#include "sigv4.hpp"

namespace rococo::messaging::sqs {
namespace {

/// AWS accepts five minutes of difference; half of that is not why a request was refused.
constexpr std::chrono::seconds kSkewWorthMending{150};

/// The settings' own fields in front of the variables.
Variables overlay(const SqsSettings& settings) {
    return [fields = settings](std::string_view name) -> std::optional<std::string> {
        const bool own_keys = !fields.access_key_id.empty();
        const auto given = [](const std::string& value) -> std::optional<std::string> {
            return value.empty() ? std::nullopt : std::optional(value);
        };
        if (name == "AWS_PROFILE" && !fields.profile.empty()) return fields.profile;
        // Keys belong together: another key's token would only spoil them.
        if (own_keys && name == "AWS_ACCESS_KEY_ID") return fields.access_key_id;
        if (own_keys && name == "AWS_SECRET_ACCESS_KEY") return given(fields.secret_access_key);
        if (own_keys && name == "AWS_SESSION_TOKEN") return given(fields.session_token);
        return fields.variables ? fields.variables(name) : std::nullopt;
    };
}

Result<std::string> choose_region(const SqsSettings& settings, const Variables& variables,
                                  std::string_view region_of_queue) {
    // The queue's own address wins: it cannot be reached through another region.
    if (!region_of_queue.empty()) return std::string(region_of_queue);
    if (!settings.region.empty()) return settings.region;
    if (auto region = variables("AWS_REGION")) return *region;
    if (auto region = variables("AWS_DEFAULT_REGION")) return *region;
    if (auto region = profile_setting(variables, "region")) return *region;
    return failure(ErrorKind::configuration,
                   "AWS_REGION is not set (nor AWS_DEFAULT_REGION, nor a region in the profile). "
                   "Set it to the queue's region, such as AWS_REGION=eu-central-1.");
}

Result<std::string> choose_endpoint(const SqsSettings& settings, const Variables& variables,
                                    const std::string& region, std::string_view url_of_queue) {
    std::string endpoint = settings.endpoint_url;
    if (endpoint.empty()) endpoint = configured_endpoint(variables, "SQS").value_or("");
    if (endpoint.empty() && !url_of_queue.empty()) {
        const auto url = split_url(url_of_queue);
        endpoint = url.scheme + "://" + url.authority + "/";
    }
    if (endpoint.empty()) {
        endpoint = fmt::format("https://sqs.{}.{}/", region, dns_suffix(region));
        if (split_url(endpoint).host.empty()) {
            return failure(
                ErrorKind::configuration,
                fmt::format("AWS_REGION '{}' is not a region such as eu-central-1.", region));
        }
    }
    if (split_url(endpoint).host.empty()) {
        return failure(ErrorKind::configuration,
                       fmt::format("AWS_ENDPOINT_URL '{}' is not a URL such as "
                                   "http://localhost:4566.",
                                   mask_userinfo(endpoint)));
    }
    return without_userinfo(endpoint);
}

/// One call, through all of its tries.
struct Call {
    std::string action;
    std::string body;
    std::string subject;
    CallLimits limits;
    AwsCaller::Done done;
    Backoff backoff;
    EventLoop::Id waiting_for = 0;
    Credentials keys{};  ///< What it is signed with.
    bool clock_mended = false;
    /// Its credentials were refused: why. It is tried again with others, once.
    std::optional<CallFailure> refused_keys{};
};

}  // namespace

struct AwsCaller::Impl {
    EventLoop& loop;
    SqsSettings settings;
    RandomSource random;
    Logger logger;
    std::string region;
    std::string endpoint;
    Url url;
    std::string ca_bundle;
    CredentialKeeper credentials;
    SystemTime::duration skew{};
    /// The service's time less ours, by its last answer.
    std::optional<SystemTime::duration> service_offset{};
    std::unordered_map<Id, Call> calls{};
    Id last_id = 0;

    void attempt(Id id);
    void wait_for_keys(Id id);
    void keys_fetched(Id id);
    void answered(Id id, SystemTime signed_at, const HttpAnswer& answer);
    bool mend_clock(Call& call, const HttpAnswer& answer, const CallFailure& failure,
                    SystemTime signed_at);
    bool mend_keys(Id id, const HttpAnswer& answer, CallFailure& failure);
    void conclude(Id id, CallResult result);
    HttpRequest sign(const Call& call, const Credentials& keys, SystemTime at) const;
    void later(Id id, std::chrono::milliseconds delay) {
        calls.at(id).waiting_for =
            loop.at(loop.clock().steady_now() + delay, [this, id] { attempt(id); });
    }
};

HttpRequest AwsCaller::Impl::sign(const Call& call, const Credentials& keys, SystemTime at) const {
    HttpRequest request;
    request.url = endpoint;
    request.body = call.body;
    request.connect_timeout = settings.connect_timeout;
    request.timeout = call.limits.timeout;
    request.max_answer_bytes = call.limits.max_answer_bytes;
    request.ca_bundle = ca_bundle;
    request.headers = {{"Content-Type", "application/x-amz-json-1.0"},
                       {"X-Amz-Date", amz_date(at)},
                       {"X-Amz-Target", "AmazonSQS." + call.action}};
    if (!keys.session_token.empty()) {
        request.headers.emplace_back("X-Amz-Security-Token", keys.session_token);
    }
    SignableRequest signable{"POST", url.path, url.query, request.headers, request.body};
    signable.headers.emplace_back("Host", url.authority);
    request.headers.emplace_back("Authorization",
                                 authorization(signable, {region, "sqs", at}, keys));
    return request;
}

void AwsCaller::Impl::attempt(Id id) {
    Call& call = calls.at(id);
    auto keys = credentials.current();
    if (!keys) {
        wait_for_keys(id);
        return;
    }
    call.keys = std::move(*keys);
    const auto at = loop.clock().now() + skew;
    call.waiting_for =
        loop.start(sign(call, call.keys, at),
                   [this, id, at](const HttpAnswer& answer) { answered(id, at, answer); });
}

/// The call goes on once there are credentials; meanwhile the loop turns.
void AwsCaller::Impl::wait_for_keys(Id id) {
    calls.at(id).waiting_for = 0;
    credentials.when_fetched([this, id] {
        if (calls.contains(id)) keys_fetched(id);
    });
}

void AwsCaller::Impl::keys_fetched(Id id) {
    const Call& call = calls.at(id);
    const auto keys = credentials.current();
    if (!keys) {
        const bool passing = credentials.error().kind == ErrorKind::unavailable;
        conclude(id, tl::unexpected(CallFailure{credentials.error(), "", passing, true}));
        return;
    }
    const bool the_same = keys->access_key_id == call.keys.access_key_id &&
                          keys->session_token == call.keys.session_token;
    if (call.refused_keys && the_same) {
        auto failure = *call.refused_keys;
        // The source of temporary ones is behind: it will have others.
        if (keys->expires_at) failure.passing = true;
        conclude(id, tl::unexpected(std::move(failure)));
        return;
    }
    attempt(id);
}

void AwsCaller::Impl::answered(Id id, SystemTime signed_at, const HttpAnswer& answer) {
    Call& call = calls.at(id);
    if (const auto date = answer_date(answer)) service_offset = *date - loop.clock().now();
    auto result = read_answer(answer, {call.action, call.subject, endpoint, region,
                                       call.keys.access_key_id, call.keys.source});
    if (!result && mend_clock(call, answer, result.error(), signed_at)) {
        attempt(id);
        return;
    }
    if (!result && mend_keys(id, answer, result.error())) return;
    conclude(id, std::move(result));
}

bool AwsCaller::Impl::mend_clock(Call& call, const HttpAnswer& answer, const CallFailure& failure,
                                 SystemTime signed_at) {
    // Only a refusal is a reason to look at the clock.
    const bool refused = answer.status >= 400 && answer.status < 500;
    if (!refused || call.clock_mended ||
        !(may_be_clock_skew(failure.code) || failure.code == "SignatureDoesNotMatch")) {
        return false;
    }
    const auto date = answer_date(answer);
    const auto off = date ? *date - signed_at : SystemTime::duration::zero();
    if (std::chrono::abs(off) <= kSkewWorthMending) return false;
    call.clock_mended = true;
    skew = *date - loop.clock().now();
    logger.warning(
        "This machine's clock is {} off SQS's: requests are signed with SQS's "
        "time. Set the clock.",
        format_roughly(std::chrono::duration_cast<std::chrono::seconds>(-skew)));
    return true;
}

/// Keys that expired early or were replaced: the source may have others, which are tried once. The
/// call waits meanwhile.
bool AwsCaller::Impl::mend_keys(Id id, const HttpAnswer& answer, CallFailure& failure) {
    Call& call = calls.at(id);
    const bool refused = answer.status >= 400 && answer.status < 500 &&
                         (is_expired_token(failure.code) || is_unknown_key(failure.code));
    if (!refused || call.refused_keys) return false;
    if (!credentials.may_renew(call.keys)) {
        // Fetched a moment ago: the source of temporary ones is behind, and will have others.
        if (call.keys.expires_at) failure.passing = true;
        return false;
    }
    call.refused_keys = failure;
    const auto keys = credentials.current();
    const bool others = keys && (keys->access_key_id != call.keys.access_key_id ||
                                 keys->session_token != call.keys.session_token);
    if (others) {
        attempt(id);
    } else {
        wait_for_keys(id);
    }
    return true;
}

void AwsCaller::Impl::conclude(Id id, CallResult result) {
    Call& call = calls.at(id);
    if (!result && result.error().passing) {
        const auto delay = call.backoff.next_from_zero(random);
        if (loop.clock().steady_now() + delay < call.limits.give_up_at) {
            logger.debug("{} Next try in {} ms.", result.error().error.message, delay.count());
            later(id, delay);
            return;
        }
    }
    auto node = calls.extract(id);
    node.mapped().done(std::move(result));
}

Result<std::unique_ptr<AwsCaller>> AwsCaller::create(EventLoop& loop, const SqsSettings& settings,
                                                     std::string_view region_of_queue,
                                                     std::string_view url_of_queue,
                                                     RandomSource random, Logger logger) {
    const auto variables = overlay(settings);
    ROCOCO_ASSIGN_OR_RETURN(auto region, choose_region(settings, variables, region_of_queue));
    ROCOCO_ASSIGN_OR_RETURN(auto endpoint,
                            choose_endpoint(settings, variables, region, url_of_queue));
    auto ca_bundle = settings.ca_bundle;
    if (ca_bundle.empty()) ca_bundle = variables("AWS_CA_BUNDLE").value_or("");

    auto url = split_url(endpoint);
    SourceContext context{variables, {}, &loop.clock(), region, ca_bundle};
    // Not movable: the keeper inside is not.
    std::unique_ptr<Impl> impl(new Impl{loop, settings, std::move(random), logger, region, endpoint,
                                        std::move(url), ca_bundle,
                                        CredentialKeeper(loop, std::move(context), logger)});
    return std::unique_ptr<AwsCaller>(new AwsCaller(std::move(impl)));
}

AwsCaller::AwsCaller(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

AwsCaller::~AwsCaller() {
    for (const auto& [id, call] : impl_->calls) impl_->loop.cancel(call.waiting_for);
}

AwsCaller::Id AwsCaller::call(std::string action, const nlohmann::json& body, std::string subject,
                              CallLimits limits, Done done) {
    const Id id = ++impl_->last_id;
    impl_->calls.emplace(
        id,
        Call{std::move(action), body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
             std::move(subject), limits, std::move(done),
             Backoff(impl_->settings.first_backoff, impl_->settings.longest_backoff)});
    // From the loop, so that `done` is never called before this returns.
    impl_->later(id, std::chrono::milliseconds(0));
    return id;
}

void AwsCaller::cancel(Id id) {
    if (auto node = impl_->calls.extract(id)) impl_->loop.cancel(node.mapped().waiting_for);
}

bool AwsCaller::answering(Id id) const {
    const auto found = impl_->calls.find(id);
    return found != impl_->calls.end() && impl_->loop.answering(found->second.waiting_for);
}

CallResult AwsCaller::call_and_wait(std::string action, const nlohmann::json& body,
                                    std::string subject, CallLimits limits) {
    std::optional<CallResult> result;
    call(std::move(action), body, std::move(subject), limits,
         [&](CallResult got) { result = std::move(got); });
    while (!result) impl_->loop.turn(impl_->loop.clock().steady_now() + std::chrono::seconds(1));
    return std::move(*result);
}

std::optional<SystemTime> AwsCaller::service_now() const {
    if (!impl_->service_offset) return std::nullopt;
    return impl_->loop.clock().now() + *impl_->service_offset;
}

const Clock& AwsCaller::clock() const { return impl_->loop.clock(); }
const std::string& AwsCaller::endpoint() const { return impl_->endpoint; }
const std::string& AwsCaller::region() const { return impl_->region; }

}  // namespace rococo::messaging::sqs
