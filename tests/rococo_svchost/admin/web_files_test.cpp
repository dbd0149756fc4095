// SPDX-License-Identifier: MIT
#include "web_files.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>
#include <string>

namespace rococo::svchost {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

constexpr std::array<WebFile, 2> kFiles{{
    {"app/main.js", "\"0123\"", "plain script", "gzipped script"},
    {"index.html", "\"4567\"", "plain page", "gzipped page"},
}};

http::HttpResponse get(const std::vector<std::string>& path,
                       const std::map<std::string, std::string>& headers = {}) {
    http::HttpRequest request;
    request.method = "GET";
    request.path = path;
    request.headers = headers;
    return serve_web_file(kFiles, request);
}

TEST(WebFiles, AreServedAsTheBrowserAccepts) {
    const auto plain = get({"app", "main.js"});
    EXPECT_EQ(plain.status, 200);
    EXPECT_EQ(plain.body, "plain script");
    EXPECT_EQ(plain.content_type, "text/javascript; charset=utf-8");
    EXPECT_THAT(plain.headers, Contains(Pair("ETag", "\"0123\"")));
    EXPECT_THAT(plain.headers, Contains(Pair("Cache-Control", "no-cache")));
    EXPECT_THAT(plain.headers, Not(Contains(Pair("Content-Encoding", "gzip"))));
    const auto gzipped = get({""}, {{"accept-encoding", "br, gzip;q=0.5"}});
    EXPECT_EQ(gzipped.body, "gzipped page");
    EXPECT_THAT(gzipped.headers, Contains(Pair("Content-Encoding", "gzip")));
    EXPECT_EQ(get({"index.html"}).body, "plain page");
}

TEST(WebFiles, AreNotSentAgainWhileTheyAreTheSame) {
    for (const char* known : {"\"0123\"", "W/\"0123\"", "\"9\", \"0123\""}) {
        const auto response = get({"app", "main.js"}, {{"if-none-match", known}});
        EXPECT_EQ(response.status, 304) << known;
        EXPECT_THAT(response.body, IsEmpty());
        EXPECT_THAT(response.headers, Contains(Pair("ETag", "\"0123\"")));
    }
    EXPECT_EQ(get({"app", "main.js"}, {{"if-none-match", "\"4567\""}}).status, 200);
}

TEST(WebFiles, OtherPathsAreNotFound) {
    for (const std::vector<std::string>& path : {std::vector<std::string>{"app"},
                                                 {"app", "..", "index.html"},
                                                 {"app/main.js", ""},
                                                 {"..", "etc"}})
        EXPECT_EQ(get(path).status, 404);
}

TEST(WebFiles, ThatAreBuiltInAreThePagesOnly) {
    std::set<std::string_view> paths;
    for (const WebFile& file : web_files()) {
        EXPECT_TRUE(paths.insert(file.path).second) << file.path;
        EXPECT_TRUE(file.etag.starts_with('"') && file.etag.ends_with('"')) << file.etag;
        EXPECT_TRUE(file.gzipped.starts_with("\x1f\x8b")) << file.path;
        EXPECT_FALSE(file.path.ends_with(".md") || file.path.ends_with(".sh")) << file.path;
    }
    EXPECT_EQ(paths.contains("index.html"), !web_files().empty());
}

}  // namespace
}  // namespace rococo::svchost
