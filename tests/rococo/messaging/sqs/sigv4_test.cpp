// SPDX-License-Identifier: MIT
// AWS's published test suite for Signature Version 4 (aws-sig-v4-test-suite): the cases that bear
// on requests such as ours. Its access key, secret, region, service and time are the same in all.
#include "sigv4.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace rococo::messaging::sqs {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Credentials kSuiteCredentials{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "",
                                    std::nullopt, "suite"};
const SystemTime kSuiteTime =
    std::chrono::sys_days(std::chrono::year(2015) / 8 / 30) + hours(12) + minutes(36);
const std::pair<std::string, std::string> kHost{"Host", "example.amazonaws.com"};
const std::pair<std::string, std::string> kDate{"X-Amz-Date", "20150830T123600Z"};
const std::string kSuiteToken =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPf"
    "IeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7W"
    "Z0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8"
    "FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

struct Case {
    std::string name;
    SignableRequest request;
    std::string signed_headers;
    std::string signature;
};

std::vector<Case> suite() {
    const std::pair<std::string, std::string> form{"Content-Type",
                                                   "application/x-www-form-urlencoded"};
    const std::pair<std::string, std::string> form_utf8{
        "Content-Type", "application/x-www-form-urlencoded; charset=utf8"};
    return {
        {"get-vanilla",
         {"GET", "/", "", {kHost, kDate}, ""},
         "host;x-amz-date",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
        {"get-vanilla-query-order-key-case",
         {"GET", "/", "Param2=value2&Param1=value1", {kHost, kDate}, ""},
         "host;x-amz-date",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
        {"get-header-value-trim",
         {"GET",
          "/",
          "",
          {kHost, {"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}, kDate},
          ""},
         "host;my-header1;my-header2;x-amz-date",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
        {"get-header-key-duplicate",
         {"GET",
          "/",
          "",
          {kHost,
           {"My-Header1", "value2"},
           {"My-Header1", "value2"},
           {"My-Header1", "value1"},
           kDate},
          ""},
         "host;my-header1;x-amz-date",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
        {"post-vanilla",
         {"POST", "/", "", {kHost, kDate}, ""},
         "host;x-amz-date",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
        {"post-x-www-form-urlencoded",
         {"POST", "/", "", {form, kHost, kDate}, "Param1=value1"},
         "content-type;host;x-amz-date",
         "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
        {"post-x-www-form-urlencoded-parameters",
         {"POST", "/", "", {form_utf8, kHost, kDate}, "Param1=value1"},
         "content-type;host;x-amz-date",
         "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
        {"post-sts-header-before",
         {"POST", "/", "", {kHost, kDate, {"X-Amz-Security-Token", kSuiteToken}}, ""},
         "host;x-amz-date;x-amz-security-token",
         "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
    };
}

class PublishedSuite : public testing::TestWithParam<Case> {};

TEST_P(PublishedSuite, IsSignedAsAwsSigns) {
    const auto& expected = GetParam();
    EXPECT_EQ(
        authorization(expected.request, {"us-east-1", "service", kSuiteTime}, kSuiteCredentials),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=" +
            expected.signed_headers + ", Signature=" + expected.signature);
}

INSTANTIATE_TEST_SUITE_P(SigV4, PublishedSuite, testing::ValuesIn(suite()), [](const auto& param) {
    std::string name = param.param.name;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
});

TEST(SigV4, CanonicalRequestIsTheOneTheSuiteShows) {
    EXPECT_EQ(canonical_request({"GET", "/", "Param2=value2&Param1=value1", {kHost, kDate}, ""}),
              "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\n"
              "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n"
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(SigV4, AnotherSecretOrTimeGivesAnotherSignature) {
    const SignableRequest request{"GET", "/", "", {kHost, kDate}, ""};
    const SigningScope scope{"us-east-1", "service", kSuiteTime};
    auto other = kSuiteCredentials;
    other.secret_access_key += "x";
    const auto good = authorization(request, scope, kSuiteCredentials);
    EXPECT_NE(authorization(request, scope, other), good);
    EXPECT_NE(authorization(request, {"us-east-1", "service", kSuiteTime + std::chrono::seconds(1)},
                            kSuiteCredentials),
              good);
}

}  // namespace
}  // namespace rococo::messaging::sqs
