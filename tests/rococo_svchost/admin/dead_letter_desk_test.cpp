// SPDX-License-Identifier: MIT
#include "dead_letter_desk.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "fake_host.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"

namespace rococo::tests {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using svchost::ApiAnswer;
using testing::ElementsAre;
using testing::IsEmpty;

messaging::DeadLetter letter(const std::string& id, std::string body = "{}") {
    messaging::DeadLetter letter;
    letter.id = id;
    letter.original_queue = "orders";
    letter.reason = "max-attempts";
    letter.error = "it broke";
    letter.attempts = 5;
    letter.last_failed_at = SystemTime(std::chrono::seconds(1'700'000'000));
    letter.headers = {{"tenant", "7"}};
    letter.body = std::move(body);
    letter.body_bytes = letter.body.size();
    return letter;
}

class DeadLetterDesk : public testing::Test {
protected:
    void fill(std::size_t count) {
        host_.letters_.letters.clear();
        for (std::size_t i = 0; i < count; ++i)
            host_.letters_.letters.push_back(letter("id-" + std::to_string(i)));
    }
    using Member = ApiAnswer (svchost::DeadLetterDesk::*)(const svchost::ApiCall&);
    [[nodiscard]] ApiAnswer call(Member member, const std::string& body = {},
                                 const std::string& id = {}) {
        request_.body = body;
        return (desk_.*member)({.request = request_, .peer = peer_, .id = id});
    }
    [[nodiscard]] json list() { return call(&svchost::DeadLetterDesk::list).value(); }
    /// The status of an answer; 200 for a document.
    static int status(const ApiAnswer& answer) { return answer ? 200 : answer.error().status; }

    FakeHost host_;
    ManualClock clock_;
    RecordedLog log_;
    svchost::DeadLetterDesk desk_{host_, clock_, log_.logger(), true};
    svchost::http::HttpRequest request_;
    svchost::http::Peer peer_{.address = "127.0.0.1:5", .is_loopback = true, .is_trusted = false};
};

using Desk = svchost::DeadLetterDesk;

TEST_F(DeadLetterDesk, ListsWithoutBodies) {
    host_.letters_.letters = {letter("a", "{\"n\": 1}")};
    const json listing = list();
    EXPECT_EQ(listing["count"], 1);
    EXPECT_EQ(listing["truncated"], false);
    EXPECT_EQ(listing["taken_at"], "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(listing["items"][0],
              json::parse(R"({"id": "a", "message": "a", "original_queue": "orders",
                  "reason": "max-attempts", "error": "it broke", "attempts": 5,
                  "first_failed_at": null, "last_failed_at": "2023-11-14T22:13:20.000Z",
                  "content_type": "", "size": 8})"));
}

TEST_F(DeadLetterDesk, AsksTheQueueOnceAMinuteOrOnRequest) {
    fill(1);
    static_cast<void>(list());
    clock_.advance(59s);
    fill(2);
    EXPECT_EQ(list()["count"], 1);
    EXPECT_EQ(host_.letters_.listings, 1U);
    request_.query["refresh"] = "1";
    EXPECT_EQ(list()["count"], 2);
    request_.query.clear();
    clock_.advance(60s);
    static_cast<void>(list());
    EXPECT_EQ(host_.letters_.listings, 3U);
}

TEST_F(DeadLetterDesk, ListsAThousandAndCountsTheRest) {
    fill(1200);
    const json listing = list();
    EXPECT_EQ(listing["items"].size(), 1000U);
    EXPECT_EQ(listing["count"], 1200);
    EXPECT_EQ(listing["truncated"], true);
}

TEST_F(DeadLetterDesk, ShowsBodiesAsTextOrBase64) {
    host_.letters_.letters = {letter("text", "h\xC3\xA9"), letter("bytes", "\xff")};
    const json text = call(&Desk::show, "", "text").value();
    EXPECT_EQ(text["body"], "h\xC3\xA9");
    EXPECT_TRUE(text["body_base64"].is_null());
    EXPECT_EQ(text["headers"], json::parse(R"([["tenant", "7"]])"));
    const json bytes = call(&Desk::show, "", "bytes").value();
    EXPECT_TRUE(bytes["body"].is_null());
    EXPECT_EQ(bytes["body_base64"], "/w==");
    EXPECT_EQ(status(call(&Desk::show, "", "none")), 404);
}

TEST_F(DeadLetterDesk, WithoutBodiesShowsNeitherBodyNorHeaders) {
    host_.letters_.letters = {letter("a", "secret")};
    Desk desk(host_, clock_, log_.logger(), false);
    const json shown = desk.show({.request = request_, .peer = peer_, .id = "a"}).value();
    for (const char* field : {"body", "body_base64", "headers", "properties"})
        EXPECT_TRUE(shown[field].is_null()) << field;
    EXPECT_EQ(shown["size"], 6);
}

TEST_F(DeadLetterDesk, ActsOnTheIdsThatWereShown) {
    fill(4);
    static_cast<void>(list());
    EXPECT_EQ(call(&Desk::requeue, R"({"ids": ["id-1", "id-3", "gone"]})").value(),
              json::parse(R"({"requeued": 2})"));
    EXPECT_EQ(list()["count"], 2) << "the snapshot is a new one";
    EXPECT_EQ(call(&Desk::remove, R"({"ids": ["id-0"]})").value(),
              json::parse(R"({"deleted": 1})"));
    EXPECT_TRUE(log_.contains("2 dead letters were requeued, asked for by 127.0.0.1:5"));
    EXPECT_TRUE(log_.contains("1 dead letter was deleted, asked for by 127.0.0.1:5"));
}

TEST_F(DeadLetterDesk, AllAreNoMoreThanWereShown) {
    fill(3);
    const ApiAnswer refused = call(&Desk::remove, R"({"all": 2})");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().status, 409);
    EXPECT_EQ(json::parse(refused.error().body)["count"], 3);
    EXPECT_EQ(host_.letters_.letters.size(), 3U);
    EXPECT_EQ(call(&Desk::requeue, R"({"all": 3})").value()["requeued"], 3);
    EXPECT_THAT(host_.letters_.requeued, ElementsAre("id-0", "id-1", "id-2"));
    EXPECT_EQ(call(&Desk::requeue, R"({"all": 3})").value()["requeued"], 0);
    EXPECT_EQ(host_.letters_.requeued.size(), 3U) << "for a store, no ids are all";
}

TEST_F(DeadLetterDesk, OneThatArrivesDuringAnActionOnAllSurvives) {
    fill(2);
    // Between the listing of the two and their deletion.
    host_.letters_.on_list = [this] {
        const std::scoped_lock lock(host_.letters_.mutex);
        host_.letters_.letters.push_back(letter("late"));
    };
    EXPECT_EQ(call(&Desk::remove, R"({"all": 2})").value()["deleted"], 2);
    ASSERT_EQ(host_.letters_.letters.size(), 1U);
    EXPECT_EQ(host_.letters_.letters[0].id, "late");
}

TEST_F(DeadLetterDesk, MoreThanCanBeListedAreTakenByNumber) {
    fill(1200);
    EXPECT_EQ(call(&Desk::requeue, R"({"all": 1200})").value()["requeued"], 1200);
    EXPECT_THAT(host_.letters_.requeued, ElementsAre("*"));
}

TEST_F(DeadLetterDesk, RefusesActionsThatNameNothing) {
    fill(2);
    for (const char* body : {"", "{}", R"({"ids": []})", R"({"ids": "id-0"})", R"({"ids": [1]})",
                             R"({"all": 0})", R"({"all": -1})", R"({"all": "2"})",
                             R"({"all": true})", R"({"all": 1.5})", "[]", "nonsense"}) {
        EXPECT_EQ(status(call(&Desk::remove, body)), 400) << body;
        EXPECT_EQ(status(call(&Desk::requeue, body)), 400) << body;
    }
    EXPECT_EQ(host_.letters_.letters.size(), 2U);
}

TEST_F(DeadLetterDesk, EditsABody) {
    EXPECT_EQ(call(&Desk::edit, R"({"body": "new"})", "id-0").value(),
              json::parse(R"({"id": "new-id"})"));
    EXPECT_THAT(host_.actions(), ElementsAre("edit id-0 new"));
    EXPECT_EQ(status(call(&Desk::edit, "{}", "id-0")), 400);
    EXPECT_EQ(status(call(&Desk::edit, R"({"body": 1})", "id-0")), 400);
    host_.edit_error_ = Error{ErrorKind::usage, "The queue does not take this."};
    EXPECT_EQ(status(call(&Desk::edit, R"({"body": ""})", "gone")), 404);
    fill(1);
    EXPECT_EQ(status(call(&Desk::edit, R"({"body": ""})", "id-0")), 400);
    host_.edit_error_ = Error{ErrorKind::unavailable, "The broker is gone."};
    EXPECT_EQ(status(call(&Desk::edit, R"({"body": ""})", "id-0")), 503);
    host_.edit_error_.reset();
    host_.capabilities_.edit = false;
    EXPECT_EQ(status(call(&Desk::edit, R"({"body": ""})", "id-0")), 404);
}

TEST_F(DeadLetterDesk, AQueueWithoutThemHasNone) {
    host_.capabilities_.dead_letters = false;
    EXPECT_EQ(status(call(&Desk::list)), 404);
    EXPECT_EQ(status(call(&Desk::remove, R"({"ids": ["a"]})")), 404);
    EXPECT_THAT(host_.actions(), IsEmpty());
}

}  // namespace
}  // namespace rococo::tests
