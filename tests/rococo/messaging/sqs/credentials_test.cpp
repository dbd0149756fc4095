// SPDX-License-Identifier: MIT
// Each source of credentials against a stub that behaves as AWS documents it, their order, and the
// refresh before they expire.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>

#include "credential_chain.hpp"
#include "event_loop.hpp"
#include "recording_logger.hpp"
#include "stub_server.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

/// The machine's monotonic clock, and a wall clock that the test sets.
class SetClock final : public Clock {
public:
    SystemTime wall = std::chrono::sys_days(std::chrono::year(2026) / 11 / 24);
    [[nodiscard]] SystemTime now() const override { return wall; }
    [[nodiscard]] SteadyTime steady_now() const override {
        return std::chrono::steady_clock::now();
    }
};

std::string iso(SystemTime at) {
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), time.hours().count(),
                       time.minutes().count(), time.seconds().count());
}

class CredentialsTest : public testing::Test {
protected:
    CredentialsTest()
        : folder_(std::filesystem::temp_directory_path() /
                  ("rococo-sqs-" + std::to_string(getpid()) + "-" +
                   testing::UnitTest::GetInstance()->current_test_info()->name())) {
        std::filesystem::create_directories(folder_);
        variables_["HOME"] = folder_.string();
        variables_["AWS_EC2_METADATA_DISABLED"] = "true";
    }
    ~CredentialsTest() override { std::filesystem::remove_all(folder_); }

    std::string write(const std::string& name, const std::string& text) {
        const auto path = folder_ / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        return path.string();
    }

    /// The instance's and the container's services, and STS.
    StubAnswer answer(const StubRequest& request) {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
        const auto expires = iso(clock_.wall + lifetime_);
        const auto number = std::to_string(++handed_out_);
        if (failing_) return {503, "busy"};
        if (request.path == "/latest/api/token") {
            --handed_out_;
            const bool v2 = request.method == "PUT" &&
                            request.headers.contains("x-aws-ec2-metadata-token-ttl-seconds");
            return v2 ? StubAnswer{200, "imds-token"} : StubAnswer{405, ""};
        }
        if (request.path.starts_with("/latest/meta-data/")) {
            const auto token = request.headers.find("x-aws-ec2-metadata-token");
            if (token == request.headers.end() || token->second != "imds-token") return {401, ""};
            if (request.path == "/latest/meta-data/iam/security-credentials/") {
                --handed_out_;
                return {200, "my-role"};
            }
            return {200, R"({"Code":"Success","AccessKeyId":"IMDS)" + number +
                             R"(","SecretAccessKey":"secret-i","Token":"token-i","Expiration":")" +
                             expires + "\"}"};
        }
        if (request.path == "/container") {
            const auto token = request.headers.find("authorization");
            if (token == request.headers.end() || token->second != container_token_) {
                return {401, R"({"code":"NoToken"})"};
            }
            return {200, R"({"AccessKeyId":"CONTAINER)" + number +
                             R"(","SecretAccessKey":"secret-c","Token":"token-c","Expiration":")" +
                             expires + "\"}"};
        }
        return sts(request, number, expires);
    }

    static StubAnswer sts(const StubRequest& request, const std::string& number,
                          const std::string& expires) {
        const bool web = request.body.find("Action=AssumeRoleWithWebIdentity&") == 0;
        if (web && request.body.find("WebIdentityToken=jwt") == std::string::npos) {
            return {400,
                    "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No OIDC "
                    "provider</Message></Error></ErrorResponse>",
                    "text/xml"};
        }
        if (!web && !request.headers.contains("authorization")) return {403, "", "text/xml"};
        return {200,
                "<R><Credentials>\n<AccessKeyId>STS" + number +
                    "</AccessKeyId><SecretAccessKey>secret-s</SecretAccessKey><SessionToken>token-s"
                    "</SessionToken><Expiration>" +
                    expires + "</Expiration></Credentials></R>",
                "text/xml"};
    }

    CredentialChain chain() {
        return CredentialChain({[this](std::string_view name) -> std::optional<std::string> {
                                    const auto found = variables_.find(std::string(name));
                                    if (found == variables_.end()) return std::nullopt;
                                    return found->second;
                                },
                                [this](HttpRequest request) { return fetch(std::move(request)); },
                                &clock_, "eu-central-1", ""},
                               log_.logger());
    }

    HttpAnswer fetch(HttpRequest request) {
        std::optional<HttpAnswer> got;
        loop_.start(std::move(request), [&](HttpAnswer one) { got = std::move(one); });
        while (!got) loop_.turn(clock_.steady_now() + seconds(1));
        return *got;
    }

    std::string key(CredentialChain& chain) {
        const auto got = chain.get();
        return got ? got->access_key_id : "error: " + got.error().message;
    }

    SetClock clock_;
    RecordingLogger log_;
    std::filesystem::path folder_;
    std::map<std::string, std::string> variables_;
    std::mutex mutex_;
    std::vector<StubRequest> requests_;
    int handed_out_ = 0;
    bool failing_ = false;
    std::string container_token_ = "container-token";
    SystemTime::duration lifetime_ = std::chrono::hours(1);
    StubServer server_{[this](const StubRequest& request) { return answer(request); }};
    EventLoop loop_{clock_};  // Goes first: the server's end waits for open connections.
};

TEST_F(CredentialsTest, SourcesAreAskedInTheStandardOrder) {
    variables_["AWS_ACCESS_KEY_ID"] = "ENV";
    variables_["AWS_SECRET_ACCESS_KEY"] = "secret-e";
    write(".aws/credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = f\n");
    variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "jwt\n");
    variables_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/r";
    variables_["AWS_ENDPOINT_URL_STS"] = server_.url();
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/container";
    variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container_token_;
    variables_["AWS_EC2_METADATA_DISABLED"] = "false";
    variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_.url() + "/";

    auto one = chain();
    EXPECT_EQ(key(one), "ENV");
    variables_.erase("AWS_ACCESS_KEY_ID");
    variables_.erase("AWS_SECRET_ACCESS_KEY");
    auto two = chain();
    EXPECT_EQ(key(two), "FILE");
    std::filesystem::remove(folder_ / ".aws/credentials");
    auto three = chain();
    EXPECT_EQ(key(three), "STS1");
    variables_.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
    auto four = chain();
    EXPECT_EQ(key(four), "CONTAINER2");
    variables_.erase("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    auto five = chain();
    EXPECT_EQ(key(five), "IMDS3");
    variables_["AWS_EC2_METADATA_DISABLED"] = "true";
    auto six = chain();
    EXPECT_THAT(key(six), HasSubstr("No AWS credentials"));
    EXPECT_EQ(six.get().error().kind, ErrorKind::configuration);
    EXPECT_THAT(log_.text(), Not(HasSubstr("secret-")));
    EXPECT_THAT(log_.text(), Not(HasSubstr("token-")));
}

TEST_F(CredentialsTest, TheOriginalsNameOfTheSecretAndASessionTokenCount) {
    variables_["AWS_ACCESS_KEY_ID"] = "ENV";
    variables_["AWS_ACCESS_KEY_SECRET"] = "the-secret";
    variables_["AWS_SESSION_TOKEN"] = "the-token";
    auto credentials = chain().get();
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->secret_access_key, "the-secret");
    EXPECT_EQ(credentials->session_token, "the-token");
}

TEST_F(CredentialsTest, HalfAPairIsTold) {
    variables_["AWS_ACCESS_KEY_ID"] = "ENV";
    auto without_secret = chain();
    EXPECT_THAT(key(without_secret), HasSubstr("AWS_SECRET_ACCESS_KEY"));
    variables_.erase("AWS_ACCESS_KEY_ID");
    variables_["AWS_SECRET_ACCESS_KEY"] = "s";
    auto without_key = chain();
    EXPECT_THAT(key(without_key), HasSubstr("AWS_ACCESS_KEY_ID is not"));
}

TEST_F(CredentialsTest, ProfilesComeFromBothFilesAndTheCredentialsFileWins) {
    write(".aws/config",
          "[default]\nregion = eu-west-1\n[profile team]\naws_access_key_id = CONFIG # old\n"
          "aws_secret_access_key = x\ns3 =\n  aws_access_key_id = NESTED\n");
    variables_["AWS_PROFILE"] = "team";
    auto from_config = chain();
    EXPECT_EQ(key(from_config), "CONFIG");
    write(".aws/credentials", "[team]\naws_access_key_id=CREDENTIALS\naws_secret_access_key=y\n");
    auto from_credentials = chain();
    EXPECT_EQ(key(from_credentials), "CREDENTIALS");
    variables_["AWS_PROFILE"] = "taem";
    auto misspelt = chain();
    EXPECT_THAT(key(misspelt), HasSubstr("'taem' is in neither"));
}

TEST_F(CredentialsTest, AProfilesRoleIsTakenOnWithItsSourceProfile) {
    write(".aws/config",
          "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
          "external_id = e/1\n[profile base]\naws_access_key_id = BASE\n"
          "aws_secret_access_key = b\n");
    variables_["AWS_ENDPOINT_URL_STS"] = server_.url();
    auto role = chain();
    EXPECT_EQ(key(role), "STS1");
    ASSERT_EQ(requests_.size(), 1U);
    EXPECT_THAT(requests_[0].headers["authorization"],
                HasSubstr("Credential=BASE/20261124/eu-central-1/sts/aws4_request"));
    EXPECT_THAT(requests_[0].body,
                HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"));
    EXPECT_THAT(requests_[0].body, HasSubstr("ExternalId=e%2F1"));
}

TEST_F(CredentialsTest, WhatAProfileAsksForAndWeDoNotDoIsTold) {
    write(".aws/config", "[default]\ncredential_process = /bin/keys\n");
    auto process = chain();
    EXPECT_THAT(key(process), HasSubstr("credential_process"));
    write(".aws/config",
          "[default]\nrole_arn=a\nsource_profile=x\n[profile x]\nrole_arn=b\n"
          "source_profile=default\n");
    auto circle = chain();
    EXPECT_THAT(key(circle), HasSubstr("circle"));
}

TEST_F(CredentialsTest, ARefusedWebIdentityIsAMatterOfConfiguration) {
    variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "forged");
    variables_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/r";
    variables_["AWS_ENDPOINT_URL_STS"] = server_.url();
    const auto refused = chain().get();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::configuration);
    EXPECT_THAT(refused.error().message, HasSubstr("InvalidIdentityToken: No OIDC provider"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("forged")));
}

TEST_F(CredentialsTest, ContainersTokenFileIsReadAgainForEachRefresh) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/container";
    variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("token", container_token_ + "\n");
    auto credentials = chain();
    EXPECT_EQ(key(credentials), "CONTAINER1");
    container_token_ = "rotated";
    write("token", "rotated");
    clock_.wall += minutes(56);
    EXPECT_EQ(key(credentials), "CONTAINER2");
}

TEST_F(CredentialsTest, AContainersTokenGoesToNobodyElseInTheClear) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/container";
    auto credentials = chain();
    EXPECT_THAT(key(credentials), HasSubstr("Use https"));
}

TEST_F(CredentialsTest, TemporaryOnesAreRefreshedBeforeTheyExpire) {
    variables_["AWS_EC2_METADATA_DISABLED"] = "false";
    variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = server_.url();
    auto credentials = chain();
    EXPECT_EQ(key(credentials), "IMDS1");
    clock_.wall += minutes(54);
    EXPECT_EQ(key(credentials), "IMDS1");
    clock_.wall += minutes(1);
    EXPECT_EQ(key(credentials), "IMDS2");
}

TEST_F(CredentialsTest, OldOnesServeWhileTheRefreshFailsAndNoLonger) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/container";
    variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container_token_;
    auto credentials = chain();
    EXPECT_EQ(key(credentials), "CONTAINER1");
    failing_ = true;
    clock_.wall += minutes(57);
    EXPECT_EQ(key(credentials), "CONTAINER1");
    const auto asked = requests_.size();
    EXPECT_EQ(key(credentials), "CONTAINER1");
    EXPECT_EQ(requests_.size(), asked) << "a failing source is not asked at every call";
    clock_.wall += minutes(4);
    const auto expired = credentials.get();
    ASSERT_FALSE(expired);
    EXPECT_EQ(expired.error().kind, ErrorKind::unavailable);
    failing_ = false;
    EXPECT_THAT(key(credentials), HasSubstr("CONTAINER"));
}

}  // namespace
}  // namespace rococo::messaging::sqs
