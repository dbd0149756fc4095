// SPDX-License-Identifier: MIT
#include "http/http_request.hpp"

#include <gmock/gmock.h>

#include <string>

namespace rococo::svchost::http {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

/// The request that these bytes are, given one by one.
HttpRequest request_of(std::string_view bytes) {
    RequestReader reader;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto complete = reader.add(bytes.substr(i, 1));
        EXPECT_TRUE(complete) << complete.error().sentence;
        EXPECT_EQ(*complete, i + 1 == bytes.size()) << "after byte " << i;
    }
    return reader.take();
}

/// The status that these bytes are refused with; 0 if they are not, or not yet.
int refusal_of(std::string_view bytes) {
    RequestReader reader;
    const auto complete = reader.add(bytes);
    return complete ? 0 : complete.error().status;
}

TEST(RequestReader, PutsARequestTogetherFromAnyParts) {
    const HttpRequest request = request_of(
        "POST /a/b%2Fc%20?x=1&y=a+b%26&x=2&empty HTTP/1.1\r\nHost:  h \r\nX-Odd: \t\r\n"
        "Accept: one\r\nACCEPT: two\r\ncontent-LENGTH: 3\r\n\r\nabc");
    EXPECT_EQ(request.method, "POST");
    EXPECT_THAT(request.path, ElementsAre("a", "b/c "));
    EXPECT_THAT(request.query,
                UnorderedElementsAre(Pair("x", "2"), Pair("y", "a b&"), Pair("empty", "")));
    EXPECT_EQ(request.header("host"), "h");
    EXPECT_EQ(request.header("x-odd"), "");
    EXPECT_EQ(request.header("accept"), "one, two");
    EXPECT_EQ(request.body, "abc");
    EXPECT_EQ(request.header("absent"), "");
    EXPECT_EQ(request_of("GET / HTTP/1.0\r\n\r\n").path_text(), "/");
}

TEST(RequestReader, IgnoresWhatComesBehindTheEnd) {
    RequestReader reader;
    EXPECT_TRUE(reader.add("POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET / HTTP").value());
    EXPECT_EQ(reader.take().body, "ab");
}

TEST(RequestReader, RefusesWhatIsNoRequest) {
    for (const std::string_view bytes :
         {"\r\n\r\n",
          "GET\r\n\r\n",
          "GET /\r\n\r\n",
          "GET  / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1 \r\n\r\n",
          "G@T / HTTP/1.1\r\n\r\n",
          "GET a HTTP/1.1\r\n\r\n",
          "GET http://h/ HTTP/1.1\r\n\r\n",
          "GET /%zz HTTP/1.1\r\n\r\n",
          "GET /%2 HTTP/1.1\r\n\r\n",
          "GET /?a=%f HTTP/1.1\r\n\r\n",
          "GET /\x01 HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nno colon\r\n\r\n",
          "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
          "GET / HTTP/1.1\r\n: v\r\n\r\n",
          "GET / HTTP/1.1\r\n Host: h\r\n\r\n",
          "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
          "GET / HTTP/1.1\r\nA: \x7f\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n",
          "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
          "GET / HTTP/1.1\n\n",
          "\n",
          "GET / HTTP/1.1\r\nA: b\n"})
        EXPECT_EQ(refusal_of(bytes), 400) << bytes;
    EXPECT_EQ(refusal_of(std::string_view("GET /\0 HTTP/1.1\r\n\r\n", 20)), 400);
    EXPECT_EQ(refusal_of("GET / HTTP/2\r\n\r\n"), 505);
    EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"), 411);
}

TEST(RequestReader, LimitsHeadAndBody) {
    const std::string head = "GET / HTTP/1.1\r\nA: ";
    const std::size_t rest = kMostHeadBytes - head.size() - 4;
    EXPECT_EQ(refusal_of(head + std::string(rest, 'x') + "\r\n\r\n"), 0);
    EXPECT_EQ(refusal_of(head + std::string(rest + 1, 'x') + "\r\n\r\n"), 431);
    EXPECT_EQ(refusal_of(std::string(kMostHeadBytes + 1, 'x')), 431) << "without an end";
    EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n"), 0);
    EXPECT_EQ(refusal_of("POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n"), 413);
}

TEST(RequestReader, SaysOnceThatTheClientWaitsForItsConsent) {
    RequestReader reader;
    const std::string_view head =
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n";
    EXPECT_FALSE(reader.add(head.substr(0, 20)).value());
    EXPECT_FALSE(reader.take_expects_continue());
    EXPECT_FALSE(reader.add(head.substr(20)).value());
    EXPECT_TRUE(reader.take_expects_continue());
    EXPECT_FALSE(reader.take_expects_continue());
    EXPECT_TRUE(reader.add("x").value());
}

TEST(PercentDecode, ReadsWhatIsEncodedAndNothingElse) {
    EXPECT_EQ(percent_decode("a%20b%2f%2F"), "a b//");
    EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
    for (const char* wrong : {"%", "%1", "%g1", "%1g", "a%"})
        EXPECT_FALSE(percent_decode(wrong)) << wrong;
}

}  // namespace
}  // namespace rococo::svchost::http
