// SPDX-License-Identifier: MIT
// Each source of credentials against a stub that behaves as AWS documents it, their order, and the
// refresh before they expire.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "credential_chain.hpp"
#include "credential_keeper.hpp"
#include "endpoint.hpp"
#include "event_loop.hpp"
#include "recording_logger.hpp"
#include "stub_server.hpp"

namespace rococo::messaging::sqs {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

/// A wall clock that stands, and the machine's monotonic one; both set forward by the test.
class SetClock final : public Clock {
public:
    void pass(std::chrono::seconds time) { passed_ += time.count(); }
    [[nodiscard]] SystemTime now() const override {
        return std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + seconds(passed_);
    }
    [[nodiscard]] SteadyTime steady_now() const override {
        return std::chrono::steady_clock::now() + seconds(passed_);
    }

private:
    std::atomic<std::int64_t> passed_ = 0;
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
        const auto expires = iso(clock_.now() + lifetime_);
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

    SourceContext context() {
        return {[this](std::string_view name) -> std::optional<std::string> {
                    const auto found = variables_.find(std::string(name));
                    if (found == variables_.end()) return std::nullopt;
                    return found->second;
                },
                [this](HttpRequest request) { return fetch(std::move(request)); }, &clock_,
                "eu-central-1", ""};
    }

    HttpAnswer fetch(HttpRequest request) {
        std::optional<HttpAnswer> got;
        loop_.start(std::move(request), [&](HttpAnswer one) { got = std::move(one); });
        while (!got) loop_.turn(clock_.steady_now() + seconds(1));
        return *got;
    }

    /// The key that the chain finds now, or why it finds none.
    std::string key() {
        const auto got = fetch_credentials(context());
        return got ? got->access_key_id : "error: " + got.error().message;
    }

    /// The key in force, after what is under way has ended; `none` where there is none.
    std::string key(CredentialKeeper& keeper) {
        (void)keeper.current();  // May begin a refresh.
        bool done = false;
        keeper.when_fetched([&] { done = true; });
        while (!done) loop_.turn(clock_.steady_now() + seconds(1));
        const auto got = keeper.current();
        return got ? got->access_key_id : "none";
    }

    SetClock clock_;
    RecordingLogger log_;
    std::filesystem::path folder_;
    std::map<std::string, std::string> variables_;
    std::mutex mutex_;
    std::condition_variable asked_;
    std::condition_variable released_;
    bool release_ = false;
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

    EXPECT_EQ(key(), "ENV");
    variables_.erase("AWS_ACCESS_KEY_ID");
    variables_.erase("AWS_SECRET_ACCESS_KEY");
    EXPECT_EQ(key(), "FILE");
    std::filesystem::remove(folder_ / ".aws/credentials");
    EXPECT_EQ(key(), "STS1");
    variables_.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
    EXPECT_EQ(key(), "CONTAINER2");
    variables_.erase("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    EXPECT_EQ(key(), "IMDS3");
    variables_["AWS_EC2_METADATA_DISABLED"] = "true";
    EXPECT_THAT(key(), HasSubstr("No AWS credentials"));
    EXPECT_EQ(fetch_credentials(context()).error().kind, ErrorKind::configuration);
    EXPECT_THAT(log_.text(), Not(HasSubstr("secret-")));
    EXPECT_THAT(log_.text(), Not(HasSubstr("token-")));
}

TEST_F(CredentialsTest, TheOriginalsNameOfTheSecretAndASessionTokenCount) {
    variables_["AWS_ACCESS_KEY_ID"] = "ENV";
    variables_["AWS_ACCESS_KEY_SECRET"] = "the-secret";
    variables_["AWS_SESSION_TOKEN"] = "the-token";
    auto credentials = fetch_credentials(context());
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->secret_access_key, "the-secret");
    EXPECT_EQ(credentials->session_token, "the-token");
}

TEST_F(CredentialsTest, HalfAPairIsTold) {
    variables_["AWS_ACCESS_KEY_ID"] = "ENV";
    EXPECT_THAT(key(), HasSubstr("AWS_SECRET_ACCESS_KEY"));
    variables_.erase("AWS_ACCESS_KEY_ID");
    variables_["AWS_SECRET_ACCESS_KEY"] = "s";
    EXPECT_THAT(key(), HasSubstr("AWS_ACCESS_KEY_ID is not"));
}

TEST_F(CredentialsTest, ProfilesComeFromBothFilesAndTheCredentialsFileWins) {
    write(".aws/config",
          "[default]\nregion = eu-west-1\n[profile team]\naws_access_key_id = CONFIG # old\n"
          "aws_secret_access_key = x\ns3 =\n  aws_access_key_id = NESTED\n");
    variables_["AWS_PROFILE"] = "team";
    EXPECT_EQ(key(), "CONFIG");
    write(".aws/credentials", "[team]\naws_access_key_id=CREDENTIALS\naws_secret_access_key=y\n");
    EXPECT_EQ(key(), "CREDENTIALS");
    variables_["AWS_PROFILE"] = "taem";
    EXPECT_THAT(key(), HasSubstr("'taem' is in neither"));
}

TEST_F(CredentialsTest, AProfilesRoleIsTakenOnWithItsSourceProfile) {
    write(".aws/config",
          "[default]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
          "external_id = e/1\n[profile base]\naws_access_key_id = BASE\n"
          "aws_secret_access_key = b\n");
    variables_["AWS_ENDPOINT_URL_STS"] = server_.url();
    EXPECT_EQ(key(), "STS1");
    ASSERT_EQ(requests_.size(), 1U);
    EXPECT_THAT(requests_[0].headers["authorization"],
                HasSubstr("Credential=BASE/20261124/eu-central-1/sts/aws4_request"));
    EXPECT_THAT(requests_[0].body,
                HasSubstr("RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"));
    EXPECT_THAT(requests_[0].body, HasSubstr("ExternalId=e%2F1"));
}

TEST_F(CredentialsTest, WhatAProfileAsksForAndWeDoNotDoIsTold) {
    write(".aws/config", "[default]\ncredential_process = /bin/keys\n");
    EXPECT_THAT(key(), HasSubstr("credential_process"));
    write(".aws/config",
          "[default]\nrole_arn=a\nsource_profile=x\n[profile x]\nrole_arn=b\n"
          "source_profile=default\n");
    EXPECT_THAT(key(), HasSubstr("circle"));
}

TEST_F(CredentialsTest, ARefusedWebIdentityIsAMatterOfConfiguration) {
    variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = write("token", "forged");
    variables_["AWS_ROLE_ARN"] = "arn:aws:iam::123456789012:role/r";
    variables_["AWS_ENDPOINT_URL_STS"] = server_.url();
    const auto refused = fetch_credentials(context());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::configuration);
    EXPECT_THAT(refused.error().message, HasSubstr("InvalidIdentityToken: No OIDC provider"));
    EXPECT_THAT(refused.error().message, Not(HasSubstr("forged")));
}

TEST_F(CredentialsTest, ContainersTokenFileIsReadAgainForEachRefresh) {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/container";
    variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("token", container_token_ + "\n");
    EXPECT_EQ(key(), "CONTAINER1");
    container_token_ = "rotated";
    write("token", "rotated");
    EXPECT_EQ(key(), "CONTAINER2");
}

TEST_F(CredentialsTest, AContainersTokenGoesToNobodyElseInTheClear) {
    variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container_token_;
    for (const char* url :
         {"http://example.com/container", "http://127.evil.com/", "http://127.0.0.1.evil.com/",
          "http://127.0.0.1@evil.com/", "http://127.0.0.1:80@evil.com/",
          "http://localhost.evil.com/", "http://127.0.0.1\\@evil.com/", "http://[::1]@evil.com/",
          "http://[::2]/", "http://169.254.170.2.evil.com/", "http://169.254.170.2@evil.com/",
          "http://128.0.0.1/", "http://user:secret-word@127.0.0.1/",
          "http://127.0.0.1#@evil.com:1/x y", "ftp://127.0.0.1/", "http://evil.com#127.0.0.1",
          "http://evil.com/127.0.0.1"}) {
        variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
        const auto refused = key();
        EXPECT_THAT(refused, HasSubstr("the token may go to")) << url;
        EXPECT_THAT(refused, Not(HasSubstr("secret-word"))) << url;
    }
    variables_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "@evil.com/";
    EXPECT_THAT(key(), HasSubstr("the token may go to"));
    variables_.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const auto port = server_.url().substr(server_.url().rfind(':'));
    for (const auto& host : {"127.0.0.1", "localhost"}) {
        variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + (host + port) + "/container";
        EXPECT_THAT(key(), HasSubstr("CONTAINER")) << host;
    }
}

TEST(OwnAddress, IsLoopbackOrTheAgentAsAnAddress) {
    for (const char* url :
         {"http://127.0.0.1/", "http://127.9.8.7:99/x", "http://[::1]:99/",
          "http://[0:0:0:0:0:0:0:1]/", "http://localhost:1/", "http://169.254.170.2/v2",
          "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1"}) {
        EXPECT_TRUE(is_own_address(split_url(url))) << url;
    }
    for (const char* url : {"http://128.0.0.1/", "http://[::2]/", "http://169.254.169.254/",
                            "http://localhost.evil.com/", "http://127.evil.com/"}) {
        EXPECT_FALSE(is_own_address(split_url(url))) << url;
    }
}

TEST(Userinfo, IsNeverShown) {
    EXPECT_EQ(mask_userinfo("https://u:p@w@host:1/x"), "https://***@host:1/x");
    EXPECT_EQ(mask_userinfo("Unsupported proxy syntax in 'u:p@ho st'"),
              "Unsupported proxy syntax in '***@ho st'");
    EXPECT_EQ(mask_userinfo("nothing to hide"), "nothing to hide");
    EXPECT_EQ(without_userinfo("http://u:p@host:8080/a?b=c"), "http://host:8080/a?b=c");
    EXPECT_EQ(without_userinfo("http://host:8080"), "http://host:8080");
}

/// Fetched beside the loop, by a clock that the test sets.
class CredentialKeeperTest : public CredentialsTest {
protected:
    CredentialKeeperTest() {
        variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/container";
        variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = container_token_;
    }

    /// Turns the loop until the keeper has that key.
    bool comes(CredentialKeeper& keeper, const std::string& wanted) {
        const auto until = std::chrono::steady_clock::now() + minutes(4);
        while (std::chrono::steady_clock::now() < until) {
            const auto got = keeper.current();
            if (got && got->access_key_id == wanted) return true;
            loop_.turn(clock_.steady_now() + std::chrono::milliseconds(10));
        }
        return false;
    }
};

TEST_F(CredentialKeeperTest, TemporaryOnesAreRefreshedBeforeTheyExpireWhileTheOldOnesServe) {
    CredentialKeeper keeper(loop_, context(), log_.logger());
    EXPECT_FALSE(keeper.current()) << "nothing is fetched on the loop's thread";
    EXPECT_EQ(key(keeper), "CONTAINER1");
    clock_.pass(minutes(54));
    EXPECT_EQ(keeper.current()->access_key_id, "CONTAINER1");
    clock_.pass(minutes(1));
    EXPECT_EQ(keeper.current()->access_key_id, "CONTAINER1") << "still good";
    EXPECT_TRUE(comes(keeper, "CONTAINER2"));
    EXPECT_EQ(handed_out_, 2);
}

TEST_F(CredentialKeeperTest, OldOnesServeWhileTheRefreshFailsAndNoLonger) {
    CredentialKeeper keeper(loop_, context(), log_.logger());
    EXPECT_EQ(key(keeper), "CONTAINER1");
    failing_ = true;
    clock_.pass(minutes(57));
    EXPECT_EQ(key(keeper), "CONTAINER1");
    const auto asked = requests_.size();
    EXPECT_EQ(keeper.current()->access_key_id, "CONTAINER1");
    EXPECT_EQ(requests_.size(), asked) << "a failing source is not asked at every call";
    EXPECT_THAT(log_.text(), HasSubstr("could not be refreshed"));
    clock_.pass(minutes(4));
    EXPECT_EQ(key(keeper), "none");
    EXPECT_EQ(keeper.error().kind, ErrorKind::unavailable);
    failing_ = false;
    clock_.pass(seconds(2));
    EXPECT_THAT(key(keeper), HasSubstr("CONTAINER"));
}

TEST_F(CredentialKeeperTest, AClockThatIsFastDoesNotFetchAtEveryCall) {
    lifetime_ = -std::chrono::hours(24);
    CredentialKeeper keeper(loop_, context(), log_.logger());
    EXPECT_EQ(key(keeper), "CONTAINER1");
    for (int i = 0; i < 100; ++i) EXPECT_EQ(keeper.current()->access_key_id, "CONTAINER1");
    EXPECT_EQ(handed_out_, 1);
}

TEST_F(CredentialKeeperTest, AFetchUnderWayEndsWithItsKeeper) {
    StubServer silent([this](const StubRequest&) -> StubAnswer {
        std::unique_lock lock(mutex_);
        asked_.notify_all();
        released_.wait(lock, [this] { return release_; });
        return {500, ""};
    });
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = silent.url() + "/container";
    {
        CredentialKeeper keeper(loop_, context(), log_.logger());
        std::unique_lock lock(mutex_);
        keeper.when_fetched([] { ADD_FAILURE() << "called after its end"; });
        asked_.wait(lock);
    }
    const std::lock_guard lock(mutex_);
    release_ = true;
    released_.notify_all();
}

}  // namespace
}  // namespace rococo::messaging::sqs
