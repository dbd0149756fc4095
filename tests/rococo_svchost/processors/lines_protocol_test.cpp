// SPDX-License-Identifier: MIT
// What host and program say to each other, line by line.
#include "lines_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>

#include "support/fake_delivery.hpp"

namespace rococo::svchost::lines {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using testing::HasSubstr;
using tests::FakeDelivery;

constexpr SystemTime kTime{std::chrono::microseconds(1'796'083'200'000'000)};

std::string body_of(const std::string& body) {
    std::string line;
    append_message(line, 1, FakeDelivery({.body = body}), 1);
    const std::string begin = R"({"id":1,"attempt":1,"queue":"queue","headers":{},)";
    EXPECT_TRUE(line.starts_with(begin)) << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1) << "one line";
    return line.substr(begin.size(), line.size() - begin.size() - 2);
}

template <typename T>
T read(const std::string& line) {
    const Line meaning = read_line(line);
    EXPECT_TRUE(std::holds_alternative<T>(meaning))
        << line << " is alternative " << meaning.index();
    const T* const found = std::get_if<T>(&meaning);
    return found == nullptr ? T{} : *found;
}

TEST(LinesProtocol, AMessageIsOneLine) {
    std::string line;
    append_message(line, 7,
                   FakeDelivery({.id = "m-\"1\"",
                                 .body = "{\"a\":\n\t1}",
                                 .queue = "orders",
                                 .content_type = "application/json",
                                 .correlation_id = "c",
                                 .headers = {{"tenant", "blue"}, {"n\n", "\xFF"}},
                                 .sent_at = kTime}),
                   2);
    EXPECT_EQ(line,
              R"({"id":7,"attempt":2,"message_id":"m-\"1\"","queue":"orders","correlation_id":"c",)"
              R"("content_type":"application/json","sent_at":"2026-12-01T00:00:00Z",)"
              R"("headers":{"tenant":"blue","n\u000a":"\ufffd"},"body":{"a": )"
              "\t1}}\n");
}

TEST(LinesProtocol, ABodyThatIsNoJsonGoesAsBase64) {
    EXPECT_EQ(body_of(R"("text")"), R"("body":"text")");
    EXPECT_EQ(body_of("1"), R"("body":1)");
    EXPECT_EQ(body_of(" [1]\r\n"), R"("body": [1]  )");
    EXPECT_EQ(body_of(""), R"("body_base64":"")");
    EXPECT_EQ(body_of("text"), R"("body_base64":"dGV4dA==")");
    EXPECT_EQ(body_of("\xEF\xBB\xBF{}"), R"("body_base64":"77u/e30=")");
    EXPECT_EQ(body_of("\"\xE4\""), R"("body_base64":"IuQi")") << "Latin-1";
    EXPECT_EQ(body_of("NaN"), R"("body_base64":"TmFO")");
    EXPECT_EQ(body_of("{}\0"s), R"("body_base64":"e30A")");
    EXPECT_EQ(body_of("{} {}"), R"("body_base64":"e30ge30=")");
    EXPECT_EQ(body_of("\"a\nb\""), R"("body_base64":"ImEKYiI=")") << "no JSON: a bare line break";
}

TEST(LinesProtocol, ARunHasItsTime) {
    std::string line;
    append_run(line, 3, kTime, 2);
    EXPECT_EQ(line, "{\"id\":3,\"attempt\":2,\"scheduled_at\":\"2026-12-01T00:00:00Z\"}\n");
}

TEST(LinesProtocol, WhatBecameOfAMessageIsSaidWithTheReferenceOfTheProgram) {
    std::string line;
    append_sent(line, "a", {});
    append_sent(line, {{"x", 1}}, {});
    append_sent(line, nullptr, failure(ErrorKind::unavailable, "no \"broker\""));
    EXPECT_EQ(line,
              "{\"sent\":\"a\"}\n{\"sent\":{\"x\":1}}\n"
              "{\"not_sent\":null,\"error\":\"no \\\"broker\\\"\"}\n");
}

TEST(LinesProtocol, AnAnswerNamesItsMessage) {
    for (const char* const line : {R"({"id":7})", R"( {"id":7} )", R"({ "id" : 7 })",
                                   R"({"id":7,"outcome":"ok"})", "{\"id\":7}\r"}) {
        const auto answer = read<Answered>(line);
        EXPECT_EQ(answer.number, 7U);
        EXPECT_EQ(answer.outcome.kind, Outcome::Kind::ok) << line;
    }
}

TEST(LinesProtocol, AnAnswerSaysWhatBecameOfIt) {
    Outcome outcome = read<Answered>(R"({"id":7,"outcome":"retry","error":"no"})").outcome;
    EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
    EXPECT_EQ(outcome.error, "no");
    outcome = read<Answered>(R"({"id":7,"outcome":"retry","after":"30s","error":"later"})").outcome;
    EXPECT_EQ(outcome.kind, Outcome::Kind::retry_after);
    EXPECT_EQ(outcome.delay, 30s);
    EXPECT_EQ(outcome.error, "later");
    EXPECT_EQ(read<Answered>(R"({"id":7,"outcome":"retry","after":0.5})").outcome.delay, 500ms);
    outcome = read<Answered>(R"({"id":7,"outcome":"dead-letter","error":"never"})").outcome;
    EXPECT_EQ(outcome.kind, Outcome::Kind::permanent);
    EXPECT_EQ(outcome.error, "never");
}

TEST(LinesProtocol, AnAnswerThatSaysNothingSensibleIsAFailure) {
    Outcome outcome = read<Answered>(R"({"id":7,"outcome":"done"})").outcome;
    EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
    EXPECT_THAT(outcome.error, HasSubstr("'done'"));
    outcome = read<Answered>(R"({"id":7,"outcome":"retry","after":"soon","error":"no"})").outcome;
    EXPECT_EQ(outcome.kind, Outcome::Kind::failed);
    EXPECT_THAT(outcome.error, HasSubstr("'soon'"));
}

TEST(LinesProtocol, NumbersThatNoMessageHasAreMistakes) {
    for (const char* const line :
         {R"({"id":"7"})", R"({"id":-7})", R"({"id":1.5})", R"({"id":null})", R"({"begun":"7"})",
          R"({"id":99999999999999999999})"})
        EXPECT_FALSE(read<Mistake>(line).is_fatal) << line;
}

TEST(LinesProtocol, AProgramSaysHowManyItTakes) {
    Ready ready = read<Ready>(R"({"ready":{"protocol":1,"window":64}})");
    EXPECT_EQ(ready.window, 64U);
    EXPECT_EQ(ready.parallel, 1U);
    ready = read<Ready>(R"({"ready":{"protocol":1}})");
    EXPECT_EQ(ready.window, 1U);
    ready = read<Ready>(R"({"ready":{"protocol":1,"window":4,"parallel":8}})");
    EXPECT_EQ(ready.window, 8U);
    EXPECT_EQ(ready.parallel, 8U);
    ready = read<Ready>(R"({"ready":{"protocol":1,"window":100000,"parallel":100000}})");
    EXPECT_EQ(ready.window, kMostInWindow);
    EXPECT_EQ(ready.parallel, kMostInWindow);
}

TEST(LinesProtocol, AnotherProtocolIsTheEndOfIt) {
    for (const char* const line :
         {R"({"ready":{"protocol":2}})", R"({"ready":{}})", R"({"ready":true})"})
        EXPECT_TRUE(read<Mistake>(line).is_fatal) << line;
}

TEST(LinesProtocol, MessagesToSendHaveTheirReference) {
    const Line line = read_line(R"({"send":{"ref":"a","queue":"q","body":{"x":1}}})");
    const auto& send = std::get<Send>(line);
    EXPECT_EQ(send.ref, "a");
    ASSERT_TRUE(send.outgoing);
    EXPECT_EQ(send.outgoing->queue, "q");
    EXPECT_EQ(send.outgoing->message.body, R"({"x":1})");
    EXPECT_FALSE(std::get<Send>(read_line(R"({"send":{"ref":1,"body":1}})")).outgoing);
    EXPECT_FALSE(read<Mistake>(R"({"send":7})").is_fatal);
}

TEST(LinesProtocol, LogLinesHaveALevel) {
    EXPECT_EQ(read<Log>(R"({"log":"text"})").level, "INFO");
    const Log log = read<Log>(R"({"log":"text","level":"warning"})");
    EXPECT_EQ(log.level, "WARNING");
    EXPECT_EQ(log.text, "text");
    EXPECT_EQ(read<Log>(R"({"log":{"a":1}})").text, R"({"a":1})");
}

TEST(LinesProtocol, AnythingElseIsOutput) {
    for (const char* const line : {"", "hello", "{", "{}", "[]", "7", R"({"message":"x"})",
                                   R"({"id":7)", R"(["id",7])", R"({"ID":7})", R"({"id":7} x)"})
        (void)read<Text>(line);
    (void)read<Text>("{\"log\":1}\0"s);
}

}  // namespace
}  // namespace rococo::svchost::lines
