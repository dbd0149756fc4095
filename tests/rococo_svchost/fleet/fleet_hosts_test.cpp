// SPDX-License-Identifier: MIT
#include "fleet_hosts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/manual_clock.hpp"

namespace rococo::svchost {
namespace {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::chrono::milliseconds kInterval = 2s;

PatternAddress at(const std::string& url, bool is_ipv6 = false) {
    return {.address = {.socket = {}, .url = url}, .name = "orders:9464", .is_ipv6 = is_ipv6};
}
std::string key_at(const std::string& url) { return key_of({.socket = {}, .url = url}); }

Json status_of(const std::string& instance) {
    return {{"host", {{"instance", instance}, {"started_at", "2026-12-01T14:00:00.000Z"}}}};
}

class FleetHostsTest : public testing::Test {
protected:
    /// What the page gets.
    [[nodiscard]] Json shown() const { return Json::parse(fleet_.to_json(clock_.now()))["hosts"]; }
    [[nodiscard]] std::vector<std::string> addresses() const {
        std::vector<std::string> result;
        for (const Json& host : shown()) result.push_back(host["address"]);
        return result;
    }
    std::size_t due() { return fleet_.take_due(clock_.steady_now(), kInterval).size(); }

    tests::ManualClock clock_;
    FleetHosts fleet_;
};

TEST_F(FleetHostsTest, ShowsWhatAHostSaid) {
    fleet_.resolved("orders", {at("http://10.0.0.7:9464")});
    fleet_.answered(key_at("http://10.0.0.7:9464"), status_of("a"), clock_.read());
    const Json document = Json::parse(fleet_.to_json(clock_.now()));
    EXPECT_EQ(document["now"], "2023-11-14T22:13:20.000Z");
    const Json host = document["hosts"][0];
    EXPECT_EQ(host["key"], key_at("http://10.0.0.7:9464"));
    EXPECT_EQ(host["address"], "http://10.0.0.7:9464");
    EXPECT_EQ(host["name"], "orders:9464");
    EXPECT_EQ(host["reachable"], true);
    EXPECT_EQ(host["last_seen"], "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(host["error"], "");
    EXPECT_EQ(host["status"], status_of("a"));
}

TEST_F(FleetHostsTest, KeysAreForPaths) {
    const std::string key = key_of({.socket = "/srv/a b/?.sock", .url = {}});
    EXPECT_THAT(key, testing::MatchesRegex("[0-9a-f]{16}"));
    EXPECT_NE(key, key_of({.socket = "/srv/a b/!.sock", .url = {}}));
}

TEST_F(FleetHostsTest, AHostIsAskedOnceInEachInterval) {
    fleet_.resolved("orders", {at("http://a:1"), at("http://b:1")});
    EXPECT_EQ(due(), 2U);
    EXPECT_EQ(due(), 0U);
    EXPECT_EQ(fleet_.next_due(clock_.steady_now(), kInterval), clock_.steady_now() + kInterval);
    clock_.advance(1s);
    fleet_.resolved("orders", {at("http://a:1"), at("http://b:1"), at("http://c:1")});
    EXPECT_EQ(fleet_.next_due(clock_.steady_now(), kInterval), clock_.steady_now());
    EXPECT_EQ(due(), 1U) << "the new one";
    clock_.advance(1s);
    EXPECT_EQ(due(), 2U);
    clock_.advance(500ms);
    EXPECT_EQ(fleet_.take_due(clock_.steady_now(), 1s).size(), 1U) << "now somebody looks";
}

TEST_F(FleetHostsTest, WhatDoesNotAnswerKeepsWhatItSaid) {
    fleet_.resolved("orders", {at("http://a:1")});
    fleet_.answered(key_at("http://a:1"), status_of("a"), clock_.read());
    clock_.advance(10s);
    fleet_.failed(key_at("http://a:1"), "no answer within 1000 ms");
    const Json host = shown()[0];
    EXPECT_EQ(host["reachable"], false);
    EXPECT_EQ(host["error"], "no answer within 1000 ms");
    EXPECT_EQ(host["last_seen"], "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(host["status"], status_of("a"));
    fleet_.answered(key_at("http://a:1"), status_of("a"), clock_.read());
    EXPECT_EQ(shown()[0]["error"], "");
    EXPECT_EQ(shown()[0]["last_seen"], "2023-11-14T22:13:30.000Z");
}

TEST_F(FleetHostsTest, WhatVanishedIsRememberedForAnHourAndLeftAlone) {
    fleet_.resolved("orders", {at("http://a:1")});
    fleet_.answered(key_at("http://a:1"), status_of("a"), clock_.read());
    fleet_.resolved("orders", {});
    EXPECT_EQ(shown()[0]["reachable"], false);
    EXPECT_EQ(shown()[0]["error"], "its name no longer has this address");
    EXPECT_EQ(due(), 0U);
    EXPECT_EQ(fleet_.address_of(key_at("http://a:1")), std::nullopt)
        << "somebody else may have the address by now";
    fleet_.answered(key_at("http://a:1"), status_of("late"), clock_.read());
    EXPECT_EQ(shown()[0]["reachable"], false);
    clock_.advance(1h);
    fleet_.forget(clock_.steady_now());
    EXPECT_THAT(shown(), SizeIs(1));
    clock_.advance(1s);
    fleet_.forget(clock_.steady_now());
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(FleetHostsTest, WhatComesBackIsThereAgain) {
    fleet_.resolved("orders", {at("http://a:1")});
    fleet_.answered(key_at("http://a:1"), status_of("a"), clock_.read());
    fleet_.resolved("orders", {});
    fleet_.resolved("orders", {at("http://a:1")});
    clock_.advance(2h);
    fleet_.forget(clock_.steady_now());
    EXPECT_THAT(shown(), SizeIs(1));
    EXPECT_NE(fleet_.address_of(key_at("http://a:1")), std::nullopt);
}

TEST_F(FleetHostsTest, WhatWasNeverSeenIsNotRemembered) {
    fleet_.resolved("orders", {at("http://a:1")});
    fleet_.failed(key_at("http://a:1"), "connection refused");
    EXPECT_EQ(shown()[0]["last_seen"], nullptr);
    EXPECT_EQ(shown()[0]["status"], nullptr);
    fleet_.resolved("orders", {});
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(FleetHostsTest, AnAddressOfTwoNamesStaysUntilNeitherHasIt) {
    fleet_.resolved("orders", {at("http://a:1")});
    fleet_.resolved("all", {at("http://a:1"), at("http://b:1")});
    EXPECT_THAT(shown(), SizeIs(2));
    fleet_.resolved("orders", {});
    EXPECT_THAT(shown(), SizeIs(2));
    fleet_.resolved("all", {});
    EXPECT_THAT(shown(), IsEmpty());
}

TEST_F(FleetHostsTest, AHostWithTwoFamiliesOfAddressesIsOne) {
    const std::string four = "http://127.0.0.1:9464";
    const std::string six = "http://[::1]:9464";
    fleet_.resolved("orders", {at(six, true), at(four)});
    EXPECT_THAT(addresses(), SizeIs(2)) << "nothing is known yet";
    fleet_.answered(key_at(four), status_of("a"), clock_.read());
    fleet_.failed(key_at(six), "connection refused");
    EXPECT_THAT(addresses(), ElementsAre(four)) << "it listens at one of them";
    fleet_.answered(key_at(six), status_of("a"), clock_.read());
    EXPECT_THAT(addresses(), ElementsAre(four)) << "it listens at both";
    fleet_.answered(key_at(six), status_of("b"), clock_.read());
    EXPECT_THAT(addresses(), ElementsAre(four, six)) << "these are two";
    fleet_.answered(key_at(six), status_of("a"), clock_.read());
    fleet_.failed(key_at(four), "connection refused");
    EXPECT_THAT(addresses(), ElementsAre(four, six)) << "it must not be hidden by one that is away";
}

TEST_F(FleetHostsTest, WhatHostsSayCannotBreakTheDocument) {
    fleet_.resolved("orders", {at("http://a:1"), at("http://b:1")});
    Json odd = {{"host", {{"instance", 5}}}, {"x", "\"]}\xff"}};
    fleet_.answered(key_at("http://a:1"), odd, clock_.read());
    fleet_.failed(key_at("http://b:1"), std::string(1'000, '"') + "\xff");
    const Json hosts = shown();
    ASSERT_THAT(hosts, SizeIs(2));
    EXPECT_LT(hosts[1]["error"].get<std::string>().size(), 400U);
}

}  // namespace
}  // namespace rococo::svchost
