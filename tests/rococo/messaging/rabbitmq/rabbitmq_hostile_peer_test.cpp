// SPDX-License-Identifier: MIT
// Peers that lie, dawdle or fall silent: the adapter neither breaks nor loses what comes
// afterwards.
#include <sys/resource.h>

#include "scripted_fixture.hpp"

namespace rococo::messaging::tests {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::Method;
using wire::Writer;

class RabbitMqHostilePeer : public ScriptedTest {
protected:
    /// The first delivery is as told; what comes after that connection is honest.
    void expect_recovery(const Action& first, bool loses_link = true) {
        broker().when({.method = Method::basic_deliver}, {first});
        auto adapter = open();
        broker().put(kQueue, "good");
        auto deliveries = take(*adapter, 1);
        EXPECT_EQ(deliveries[0]->body, "good") << log_.all();
        settle(*adapter, std::move(deliveries[0]), Verdict::ack);
        EXPECT_TRUE(settled(*adapter));
        EXPECT_TRUE(broker().wait_for_acks(1));
        EXPECT_EQ(log_.holds("Lost the connection"), loses_link) << log_.all();
    }

    static Action raw_frame(wire::FrameType type, std::string payload) {
        return [type, payload = std::move(payload)](Peer& peer) {
            peer.send_raw(wire::encode(wire::Frame{type, peer.channel, payload}));
        };
    }
    static std::string raw_headers(std::string_view table) {
        return script::headers_property(table);
    }
};

TEST_F(RabbitMqHostilePeer, ABodyLongerThanAnnouncedIsNoMessage) {
    expect_recovery(script::deliver_announcing(3, {"abcdefgh"}));
}

TEST_F(RabbitMqHostilePeer, BodyFramesThatGoOnBeyondTheAnnouncedSizeAreNoMessage) {
    expect_recovery(script::deliver_announcing(6, {"abc", "defghi", "jkl"}));
}

TEST_F(RabbitMqHostilePeer, AFrameWithoutItsEndLosesTheLink) {
    auto frame = wire::encode(wire::Frame{wire::FrameType::body, 1, "x"});
    frame.back() = 'x';
    expect_recovery(script::raw(frame));
}

TEST_F(RabbitMqHostilePeer, AnOversizeFrameLosesTheLinkAndTakesNoMemory) {
    // Announced: 2 GiB in one frame, of which a few come.
    expect_recovery(
        script::raw(Writer().u8(3).u16(1).u32(0x7fff'0000).raw(std::string(100'000, 'x')).bytes()));
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    EXPECT_LT(usage.ru_maxrss, 1'000'000);  // KiB.
}

TEST_F(RabbitMqHostilePeer, AFrameAboveTheAgreedSizeLosesTheLink) {
    expect_recovery(script::deliver_announcing(1'000'000, {std::string(1'000'000, 'x')}));
}

TEST_F(RabbitMqHostilePeer, ATableThatLiesAboutItsLengthLosesTheLink) {
    expect_recovery(script::deliver_with_properties(
        1, raw_headers(Writer().u32(0xffff'ffff).raw("\x01kS").bytes()), {"x"}));
}

TEST_F(RabbitMqHostilePeer, AValueThatReachesBeyondItsTableLosesTheLink) {
    const auto table = Writer().longstr(Writer().shortstr("k").u8('S').u32(5000).bytes()).bytes();
    expect_recovery(script::deliver_with_properties(1, raw_headers(table), {"x"}));
}

TEST_F(RabbitMqHostilePeer, AnUnknownTypeOfFieldLosesTheLink) {
    const auto table = Writer().longstr(Writer().shortstr("k").u8('?').bytes()).bytes();
    expect_recovery(script::deliver_with_properties(1, raw_headers(table), {"x"}));
}

TEST_F(RabbitMqHostilePeer, TablesNestedTwoHundredDeepAreAHeaderOrALostLink) {
    const auto table = Writer().table(script::nested_tables(200)).bytes();
    broker().when({.method = Method::basic_deliver},
                  {script::deliver_with_properties(1, raw_headers(table), {"x"})});
    auto adapter = open();
    broker().put(kQueue, "x");
    auto deliveries = take(*adapter, 1);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

TEST_F(RabbitMqHostilePeer, TablesNestedNinetyDeepAreHeaders) {
    auto adapter = open();
    broker().put(kQueue, "x", {.headers = script::nested_tables(90)});
    auto deliveries = take(*adapter, 1);
    ASSERT_EQ(deliveries[0]->headers.size(), 1U);
    EXPECT_TRUE(deliveries[0]->headers[0].value.starts_with(R"({"t":{"t":)"));
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter));
    EXPECT_EQ(broker().messages("work.dead-letter").at(0).properties.header("t")->kind,
              wire::find(script::nested_tables(90), "t")->kind);
}

TEST_F(RabbitMqHostilePeer, PropertyFlagsWithoutTheirValuesLoseTheLink) {
    expect_recovery(script::deliver_with_properties(1, "\xff\xfc", {"x"}));
}

TEST_F(RabbitMqHostilePeer, AMethodThatNobodyKnowsLosesTheLink) {
    expect_recovery(raw_frame(wire::FrameType::method, Writer().u32(0x00ff'00ff).bytes()));
}

TEST_F(RabbitMqHostilePeer, AChannelThatNobodyOpenedDoesNoHarm) {
    broker().when(
        {.method = Method::basic_deliver},
        {[](Peer& peer) {
             peer.send_on(77, Method::basic_ack, Writer().u64(1).u8(1));
             peer.send_raw(wire::encode(wire::Frame{wire::FrameType::body, 78, "nobody's"}));
         },
         script::answer()});
    auto adapter = open();
    broker().put(kQueue, "good");
    auto deliveries = take(*adapter, 1);
    EXPECT_EQ(deliveries[0]->body, "good");
}

TEST_F(RabbitMqHostilePeer, EveryBytesAloneIsReadAsWell) {
    BrokerOptions slow;
    slow.write_bytes = 5;
    slow.write_every = 1ms;  // 5 KB/s.
    broker(slow);
    auto adapter = open();
    const std::string body(3000, 'b');
    broker().put(kQueue, body, {.headers = wire::Table{{"h", "v"}}, .message_id = "slow"});
    auto deliveries = take(*adapter, 1);
    EXPECT_TRUE(deliveries[0]->body == body);
    EXPECT_EQ(deliveries[0]->id, "slow");
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_FALSE(log_.holds("Lost the connection")) << log_.all();
    adapter->close();
}

TEST_F(RabbitMqHostilePeer, ATlsHandshakeThatNeverEndsIsGivenUpInTime) {
    broker().change([](BrokerOptions& options) { options.silent = true; });
    auto wanted = settings();
    wanted.tls.enabled = true;
    wanted.connect_timeout = 500ms;
    wanted.connect_tries = 2;
    const auto before = clock_.steady_now();
    const auto opened = make(wanted)->open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unavailable);
    EXPECT_LT(clock_.steady_now() - before, 30s);
}

TEST_F(RabbitMqHostilePeer, SilenceInTheMiddleOfTheLoginIsGivenUpInTime) {
    for (const auto method :
         {Method::protocol_header, Method::connection_start_ok, Method::connection_open}) {
        broker().forget_rules();
        broker().when({.method = method, .times = 0}, {script::nothing()});
        auto wanted = settings();
        wanted.connect_timeout = 300ms;
        wanted.connect_tries = 1;
        const auto before = clock_.steady_now();
        const auto opened = make(wanted)->open();
        ASSERT_FALSE(opened) << wire::name_of(method);
        EXPECT_EQ(opened.error().kind, ErrorKind::unavailable) << opened.error().message;
        EXPECT_LT(clock_.steady_now() - before, 30s);
    }
}

TEST_F(RabbitMqHostilePeer, SilenceAfterTheLoginIsGivenUpInTime) {
    for (const auto method :
         {Method::channel_open, Method::queue_declare, Method::basic_qos, Method::basic_consume}) {
        broker().forget_rules();
        broker().when({.method = method, .times = 0}, {script::nothing()});
        auto wanted = settings();
        wanted.request_timeout = 300ms;
        wanted.connect_tries = 1;
        const auto before = clock_.steady_now();
        const auto opened = make(wanted)->open();
        ASSERT_FALSE(opened) << wire::name_of(method);
        EXPECT_LT(clock_.steady_now() - before, 30s);
    }
}

TEST_F(RabbitMqHostilePeer, AnAnswerThatComesLateIsStillAnAnswer) {
    broker().when({.method = Method::basic_consume}, {script::later(400ms, script::answer())});
    auto adapter = open();
    broker().put(kQueue, "x");
    EXPECT_EQ(take(*adapter, 1).size(), 1U);
}

TEST_F(RabbitMqHostilePeer, AnAnswerToAnotherQuestionIsNotTaken) {
    broker().when({.method = Method::queue_declare},
                  {script::send(Method::basic_get_empty, Writer().shortstr(""))});
    auto wanted = settings();
    wanted.request_timeout = 300ms;
    wanted.connect_tries = 3;
    auto adapter = make(wanted);
    const auto opened = adapter->open();
    EXPECT_TRUE(opened) << opened.error().message;
}

TEST_F(RabbitMqHostilePeer, AResetAtAnyMomentOfTheStartIsTriedAgain) {
    for (const auto method :
         {Method::protocol_header, Method::connection_start_ok, Method::connection_open,
          Method::channel_open, Method::queue_declare, Method::basic_qos, Method::basic_consume}) {
        broker().forget_rules();
        broker().when({.method = method}, {script::reset()});
        auto adapter = open();
        broker().put(kQueue, "x");
        auto deliveries = take(*adapter, 1);
        settle(*adapter, std::move(deliveries[0]), Verdict::ack);
        EXPECT_TRUE(settled(*adapter)) << wire::name_of(method);
        adapter->close();
        EXPECT_EQ(broker().ready(kQueue), 0) << wire::name_of(method);
    }
}

TEST_F(RabbitMqHostilePeer, ConfirmsOfWhatWasNeverPublishedSettleNothing) {
    broker().when({.method = Method::basic_publish},
                  {[](Peer& peer) {
                       peer.send(Method::basic_ack, Writer().u64(99'999).u8(1));
                       peer.send(Method::basic_ack, Writer().u64(0).u8(0));
                       peer.send(Method::basic_nack, Writer().u64(0xffff'ffff'ffff'ffff).u8(1));
                   },
                   script::later(300ms, script::answer())});
    auto adapter = open();
    broker().put(kQueue, "x");
    auto deliveries = take(*adapter, 1);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

TEST_F(RabbitMqHostilePeer, AReturnThatAnnouncesAnAbsurdBodyDoesNoHarm) {
    broker().when({.method = Method::basic_publish, .role = "copies"}, {[](Peer& peer) {
                      Writer returned;
                      returned.u16(312).shortstr("NO_ROUTE").shortstr("").shortstr(peer.queue);
                      peer.send(Method::basic_return, returned);
                      peer.send_raw(wire::encode(
                          wire::Frame{wire::FrameType::header, peer.channel,
                                      wire::encode({0xffff'ffff'ffff'ffff, peer.properties})}));
                      peer.send_raw(wire::encode(
                          wire::Frame{wire::FrameType::body, peer.channel, "a little"}));
                      peer.send(Method::basic_ack, Writer().u64(peer.number).u8(0));
                  }});
    auto adapter = open();
    broker().put(kQueue, "x");
    auto deliveries = take(*adapter, 1);
    settle(*adapter, std::move(deliveries[0]), Verdict::dead_letter);
    EXPECT_TRUE(settled(*adapter)) << log_.all();
    EXPECT_TRUE(broker().wait_for_acks(1));
    EXPECT_EQ(broker().ready("work.dead-letter"), 1);
}

}  // namespace
}  // namespace rococo::messaging::tests
