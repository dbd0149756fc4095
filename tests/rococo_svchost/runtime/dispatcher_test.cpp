// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/dispatcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rococo_svchost/runtime/worker_pool.hpp"
#include "support/fake_adapter.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/scripted_processor.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using messaging::Verdict;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;
using tests::FakeAdapter;
using tests::FakeMessage;
using tests::ManualClock;
using tests::RecordedLog;
using tests::ScriptedProcessors;
using tests::Settled;
using tests::TemporaryFolder;
using Kind = Outcome::Kind;

/// What a message's body asks for.
Outcome obey(const messaging::Delivery& delivery) {
    if (delivery.body == "fail") return {Kind::failed, {}, "as asked"};
    if (delivery.body == "permanent") return {Kind::permanent, {}, "for good"};
    if (delivery.body == "later") return {Kind::retry_after, 7s, "not now"};
    return {};
}

auto settled(const std::string& id, Verdict verdict) {
    return AllOf(Field("id", &Settled::id, id), Field("verdict", &Settled::verdict, verdict));
}

/// A dispatcher over a scripted queue, with real workers and a clock that the test moves.
class DispatcherTest : public testing::Test {
protected:
    // A test that fails must not leave a worker at the gate for ever.
    void TearDown() override { processors_.open_gate(); }

    /// Runs until the script and all work are done, or until a step drains it.
    Result<Dispatcher::End> run() {
        auto pool = WorkerPool::start(pool_settings_, processors_, clock_, notes_.get(),
                                      [this] { queue_.wake(); });
        if (!pool) return tl::unexpected(pool.error());
        pool_ = std::move(*pool);
        dispatcher_ = std::make_unique<Dispatcher>(
            settings_, Dispatcher::Parts{.adapter = queue_,
                                         .workers = *pool_,
                                         .notes = notes_.get(),
                                         .clock = clock_,
                                         .logger = log_.logger(),
                                         .random = [] { return 0.0; },
                                         .exit_when_finished = [this] { return finish_; }});
        return dispatcher_->run();
    }
    /// As a step of the script: SIGTERM arrives.
    void drain_next() {
        queue_.then([this] { dispatcher_->request_drain(); });
    }
    /// As a step of the script: waits until so many calls of `process` have begun.
    void wait_for_calls_next(std::size_t count) {
        queue_.then([this, count] { processors_.wait_for_calls(count); });
    }
    /// As steps of the script: turns until so many verdicts could not be delivered.
    void wait_for_lost_next(std::size_t count) {
        queue_.until([this, count] { return dispatcher_->totals().lost >= count; });
    }
    /// Notes of a host that died with these messages in hand, each of its own.
    void deaths(std::uint32_t times, const std::string& id, const std::string& body = "body") {
        for (std::uint32_t i = 0; i < times; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                const auto notes =
                    CrashNotes::open(folder_.path(), "queue", {}, clock_, log_.logger());
                if (!notes) ::_exit(1);
                const MessageIdentity identity =
                    identify(tests::FakeDelivery({.id = id, .body = body}));
                (*notes)->begin(0, std::span(&identity, 1));
                ::raise(SIGKILL);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            ASSERT_TRUE(WIFSIGNALED(status));
        }
    }
    void open_notes() {
        auto notes = CrashNotes::open(folder_.path(), "queue", {.workers = pool_settings_.workers},
                                      clock_, log_.logger());
        ASSERT_TRUE(notes) << notes.error().message;
        notes_ = std::move(*notes);
    }

    TemporaryFolder folder_;
    ManualClock clock_;
    RecordedLog log_;
    FakeAdapter queue_{clock_};
    ScriptedProcessors processors_{&obey};
    std::unique_ptr<CrashNotes> notes_;
    Dispatcher::Settings settings_{.retry = {.max_attempts = 3, .first_delay = 1s}};
    WorkerPool::Settings pool_settings_;
    bool finish_ = true;
    std::unique_ptr<Dispatcher> dispatcher_;
    std::unique_ptr<WorkerPool> pool_;  // last: its threads use the rest
};

TEST_F(DispatcherTest, AcknowledgesWhatWasProcessedAndFinishes) {
    queue_.arrive({{.id = "1"}, {.id = "2"}});
    queue_.arrive({{.id = "3"}});

    const auto end = run();

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, Dispatcher::End::finished);
    EXPECT_THAT(queue_.settled(),
                ElementsAre(settled("1", Verdict::ack), settled("2", Verdict::ack),
                            settled("3", Verdict::ack)));
    EXPECT_EQ(dispatcher_->totals().acknowledged, 3U);
    EXPECT_TRUE(queue_.stopped());
    EXPECT_TRUE(queue_.closed());
}

TEST_F(DispatcherTest, KeepsWhatItIsToldOfTheConnection) {
    std::vector<messaging::ConnectionState> seen;
    const auto look = [&] { seen.push_back(dispatcher_->connection().state); };
    queue_.then(look);
    queue_.tell(messaging::ConnectionState::consuming, "");
    queue_.then(look);
    queue_.tell(messaging::ConnectionState::lost, "the network");
    queue_.arrive({{.id = "1"}});
    queue_.then(look);

    ASSERT_TRUE(run());

    using enum messaging::ConnectionState;
    EXPECT_THAT(seen, ElementsAre(connecting, consuming, lost));
    EXPECT_EQ(dispatcher_->connection().reason, "the network");
}

TEST_F(DispatcherTest, NeverSettlesBeforeProcessingEnds) {
    processors_.close_gate();
    queue_.arrive({{.id = "1"}});
    wait_for_calls_next(1);
    queue_.then([this] {
        EXPECT_THAT(queue_.settled(), IsEmpty());
        processors_.open_gate();
    });
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.settled(), SizeIs(1));
}

TEST_F(DispatcherTest, RetriesWhatFailsWithADelayAndTheAttemptCharged) {
    queue_.arrive({{.id = "1", .body = "fail", .attempt = 2}});
    ASSERT_TRUE(run());

    ASSERT_THAT(queue_.settled(), SizeIs(1));
    const Settled& verdict = queue_.settled()[0];
    EXPECT_EQ(verdict.verdict, Verdict::retry);
    EXPECT_EQ(verdict.delay, 2s);
    EXPECT_EQ(verdict.attempts, 2U);
    EXPECT_EQ(verdict.error, "as asked");
    EXPECT_EQ(dispatcher_->totals().retried, 1U);
    EXPECT_TRUE(
        log_.contains("WARNING: Attempt 2 of 3 failed for message 1, again in 2 s: as asked"));
}

TEST_F(DispatcherTest, DeadLettersTheLastAttempt) {
    queue_.arrive({{.id = "1", .body = "fail", .attempt = 3}});
    ASSERT_TRUE(run());

    ASSERT_THAT(queue_.settled(), ElementsAre(settled("1", Verdict::dead_letter)));
    EXPECT_EQ(queue_.settled()[0].reason, "max-attempts");
    EXPECT_EQ(queue_.settled()[0].attempts, 3U);
    EXPECT_EQ(dispatcher_->totals().dead_lettered, 1U);
    EXPECT_TRUE(log_.contains(
        "ERROR: Message 1 goes to the dead letters (max-attempts) after 3 attempts: as asked"));
}

TEST_F(DispatcherTest, DeadLettersAPermanentErrorAtOnce) {
    queue_.arrive({{.id = "1", .body = "permanent"}});
    ASSERT_TRUE(run());
    ASSERT_THAT(queue_.settled(), ElementsAre(settled("1", Verdict::dead_letter)));
    EXPECT_EQ(queue_.settled()[0].reason, "permanent-error");
    EXPECT_EQ(queue_.settled()[0].error, "for good");
}

TEST_F(DispatcherTest, KeepsTheDelayThatAProcessorAsksFor) {
    queue_.arrive({{.id = "1", .body = "later"}});
    ASSERT_TRUE(run());
    EXPECT_EQ(queue_.settled().at(0).verdict, Verdict::retry);
    EXPECT_EQ(queue_.settled().at(0).delay, 7s);
}

TEST_F(DispatcherTest, OnFailureAckDropsWhatFails) {
    settings_.retry.drop_failed = true;
    queue_.arrive({{.id = "1", .body = "fail"}, {.id = "2", .body = "permanent"}, {.id = "3"}});
    ASSERT_TRUE(run());

    EXPECT_THAT(queue_.settled(),
                ElementsAre(settled("1", Verdict::ack), settled("2", Verdict::ack),
                            settled("3", Verdict::ack)));
    EXPECT_EQ(dispatcher_->totals().dropped, 2U);
    EXPECT_EQ(dispatcher_->totals().acknowledged, 1U);
    EXPECT_TRUE(log_.contains("ERROR: Message 1 failed and is dropped (ON_FAILURE=ack): as asked"));
}

TEST_F(DispatcherTest, ABodyIsNotLogged) {
    queue_.arrive({{.id = "1", .body = "the secret of the trade"}, {.id = "2", .body = "fail"}});
    ASSERT_TRUE(run());
    EXPECT_FALSE(log_.contains("the secret of the trade"));
}

TEST_F(DispatcherTest, AMessageThatCrashedTheHostTooOftenIsNotTriedAgain) {
    deaths(3, "killer");
    open_notes();
    queue_.arrive({{.id = "innocent"}, {.id = "killer", .redelivered = true}});
    ASSERT_TRUE(run());

    EXPECT_THAT(queue_.settled(),
                testing::UnorderedElementsAre(settled("innocent", Verdict::ack),
                                              settled("killer", Verdict::dead_letter)));
    for (const Settled& verdict : queue_.settled()) {
        if (verdict.id != "killer") continue;
        EXPECT_EQ(verdict.reason, "crash");
        EXPECT_EQ(verdict.attempts, 3U);
    }
    EXPECT_EQ(processors_.begun(), 1U) << "the killer was not called";
    EXPECT_EQ(dispatcher_->totals().dead_lettered, 1U);
    // Requeued by an operator it begins anew.
    EXPECT_EQ(notes_->record(identify(tests::FakeDelivery({.id = "killer"}))).crashes, 0U);
}

TEST_F(DispatcherTest, AMessageRefusedJustBeforeADrainIsForgottenToo) {
    finish_ = false;
    deaths(3, "killer");
    open_notes();
    queue_.confirm_after(4);
    queue_.arrive({{.id = "killer", .redelivered = true}});
    drain_next();
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("killer", Verdict::dead_letter)));
    EXPECT_EQ(notes_->record(identify(tests::FakeDelivery({.id = "killer"}))).crashes, 0U);
}

TEST_F(DispatcherTest, ARefusalThatIsNotConfirmedHoldsOthersUpForTenSecondsAndSaysSo) {
    deaths(3, "killer");
    open_notes();
    queue_.confirm_after(1'000);
    queue_.arrive({{.id = "killer", .redelivered = true}, {.id = "innocent"}});
    queue_.time_passes_while([this] { return processors_.begun() == 0; });
    const SteadyTime before = clock_.steady_now();
    ASSERT_TRUE(run());
    EXPECT_GE(clock_.steady_now() - before, 10s);
    EXPECT_EQ(log_.count("WARNING: 1 message given up after crashes: not confirmed among the dead "
                         "letters within 10 s; other messages go on"),
              1U);
    EXPECT_EQ(processors_.begun(), 1U);
}

TEST_F(DispatcherTest, CrashesCountAsAttempts) {
    deaths(1, "shaky", "fail");
    open_notes();
    queue_.arrive({{.id = "shaky", .body = "fail", .attempt = 1, .redelivered = true}});
    ASSERT_TRUE(run());

    EXPECT_EQ(processors_.calls().at(0).attempt, 2U);
    EXPECT_TRUE(
        log_.contains("WARNING: Message shaky was in hand when a previous run died: this "
                      "is attempt 2 of"));
    ASSERT_THAT(queue_.settled(), ElementsAre(settled("shaky", Verdict::retry)));
    EXPECT_EQ(queue_.settled()[0].attempts, 2U) << "the queue now counts the crash";
    EXPECT_EQ(
        notes_->record(identify(tests::FakeDelivery({.id = "shaky", .body = "fail"}))).crashes, 0U)
        << "and the notes no longer do";
}

TEST_F(DispatcherTest, ACrashIsNotCountedAgainInTheRetryThatHasItInItsCount) {
    const tests::FakeDelivery first({.id = "shaky", .attempt = 1});
    const messaging::Delivery* const in_hand = &first;
    const MessageIdentity identity = identify(first);
    const pid_t child = ::fork();
    if (child == 0) {
        const auto notes = CrashNotes::open(folder_.path(), "queue", {}, clock_, log_.logger());
        if (!notes) ::_exit(1);
        (*notes)->begin(0, std::span(&identity, 1), std::span(&in_hand, 1));
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    open_notes();
    // The second attempt failed, and its retry is here before its event.
    queue_.arrive({{.id = "shaky", .attempt = 3}});
    ASSERT_TRUE(run());
    ASSERT_EQ(processors_.begun(), 1U) << "it has an attempt left";
    EXPECT_EQ(processors_.calls().at(0).attempt, 3U);
}

TEST_F(DispatcherTest, ARedeliveredMessageMakesItLookForTheDead) {
    open_notes();
    queue_.then([this] { deaths(3, "killer"); });  // after the notes were opened
    queue_.arrive({{.id = "killer", .redelivered = true}});
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("killer", Verdict::dead_letter)));
}

TEST_F(DispatcherTest, WithoutNotesNothingIsGivenUpThatWasNotProcessedHere) {
    queue_.arrive({{.id = "often fetched", .attempt = 9, .redelivered = true},
                   {.id = "fails", .body = "fail", .attempt = 9, .redelivered = true}});
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("often fetched", Verdict::ack),
                                              settled("fails", Verdict::dead_letter)));
    EXPECT_EQ(processors_.begun(), 2U);
}

// ---- What the queue takes back ----------------------------------------------------------------

TEST_F(DispatcherTest, WhatTheQueueTookBackIsNotBegun) {
    processors_.close_gate();
    queue_.arrive({{.id = "begun"}, {.id = "waiting"}});
    wait_for_calls_next(1);
    queue_.lose("waiting");
    queue_.then([this] { processors_.open_gate(); });
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("begun", Verdict::ack)));
    EXPECT_EQ(processors_.begun(), 1U);
    EXPECT_EQ(queue_.in_hand(), 0U) << "the adapter got its memory back";
}

TEST_F(DispatcherTest, WhatIsLostAsItArrivesGoesBackToTheAdapter) {
    queue_.arrive_lost({{.id = "1"}, {.id = "2"}});
    ASSERT_TRUE(run());
    EXPECT_EQ(processors_.begun(), 0U);
    EXPECT_EQ(queue_.in_hand(), 0U) << "or its bytes would count for ever";
}

TEST_F(DispatcherTest, AMessageTakenBackWhileItIsProcessedIsNotProcessedTwice) {
    settings_.workers = pool_settings_.workers = 2;
    processors_.hold("long");
    queue_.arrive({{.id = "long"}});
    wait_for_calls_next(1);
    queue_.lose("long");
    queue_.arrive({{.id = "long", .redelivered = true}, {.id = "other"}});
    wait_for_calls_next(2);
    queue_.then([this] {
        EXPECT_EQ(processors_.begun(), 2U) << "its redelivery waits";
        processors_.let_go("long");
    });
    ASSERT_TRUE(run());
    EXPECT_EQ(processors_.begun(), 2U);
    EXPECT_THAT(queue_.settled(), testing::UnorderedElementsAre(settled("long", Verdict::ack),
                                                                settled("other", Verdict::ack)));
    EXPECT_EQ(dispatcher_->totals().acknowledged, 2U);
    EXPECT_EQ(dispatcher_->totals().lost, 1U);
}

TEST_F(DispatcherTest, AVerdictThatCouldNotBeDeliveredIsAppliedWhenItsMessageReturns) {
    processors_.hold("long");
    queue_.arrive({{.id = "long", .body = "fail"}});
    wait_for_calls_next(1);
    queue_.lose("long");
    queue_.then([this] { processors_.let_go("long"); });
    wait_for_lost_next(1);
    queue_.arrive({{.id = "long", .body = "fail", .redelivered = true}});
    ASSERT_TRUE(run());
    EXPECT_EQ(processors_.begun(), 1U);
    ASSERT_THAT(queue_.settled(), ElementsAre(settled("long", Verdict::retry)));
    EXPECT_EQ(queue_.settled()[0].attempts, 1U);
}

TEST_F(DispatcherTest, EachRemainsOfTwoMessagesThatAreAlike) {
    processors_.hold("");
    queue_.arrive({{.id = ""}, {.id = ""}});
    wait_for_calls_next(1);
    queue_.then([] {});
    queue_.lose("");  // The second, not begun.
    queue_.arrive({{.id = "", .redelivered = true}});
    queue_.then([this] { processors_.let_go(""); });
    ASSERT_TRUE(run());
    EXPECT_EQ(processors_.begun(), 2U);
    EXPECT_THAT(queue_.settled(), SizeIs(2));
}

TEST_F(DispatcherTest, AMessageThatAlwaysTakesTooLongIsGivenUp) {
    settings_.retry.max_attempts = 2;
    processors_.hold("long");
    queue_.arrive({{.id = "long"}});
    for (std::size_t attempt = 1; attempt <= 2; ++attempt) {
        wait_for_calls_next(attempt);
        queue_.lose("long", true);
        // Forgotten by the time it returns, as after a restart of the broker.
        queue_.then([this] { clock_.advance(11min); });
        queue_.then([this] { processors_.let_go("long"); });
        wait_for_lost_next(attempt);
        queue_.then([this] {
            clock_.advance(11min);
            processors_.hold("long");
        });
        queue_.arrive({{.id = "long", .redelivered = true}});
    }
    queue_.then([this] { processors_.let_go("long"); });
    ASSERT_TRUE(run());
    EXPECT_EQ(processors_.begun(), 2U);
    ASSERT_THAT(queue_.settled(), ElementsAre(settled("long", Verdict::dead_letter)));
    EXPECT_EQ(queue_.settled()[0].reason, "max-attempts");
    EXPECT_EQ(queue_.settled()[0].attempts, 2U);
    EXPECT_EQ(dispatcher_->totals().dead_lettered, 1U);
}

TEST_F(DispatcherTest, TotalsCountWhatIsSafe) {
    queue_.confirm_after(1'000'000);
    settings_.drain_timeout = 100ms;
    finish_ = false;
    queue_.arrive({{.id = "1"}});
    queue_.then([this] { clock_.advance(1s); });
    queue_.time_passes_while([] { return true; });
    wait_for_calls_next(1);
    drain_next();
    const auto end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::drain_timeout);
    EXPECT_EQ(dispatcher_->totals().acknowledged, 0U);
}

TEST_F(DispatcherTest, DrainFinishesWhatWasBegunAndReleasesTheRest) {
    finish_ = false;
    processors_.close_gate();
    queue_.arrive({{.id = "begun"}, {.id = "waiting"}, {.id = "waiting too"}});
    wait_for_calls_next(1);
    drain_next();
    queue_.then([this] {
        EXPECT_TRUE(queue_.stopped());
        processors_.open_gate();
    });

    const auto end = run();

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, Dispatcher::End::drained);
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("waiting", Verdict::release),
                                              settled("waiting too", Verdict::release),
                                              settled("begun", Verdict::ack)));
    EXPECT_EQ(processors_.begun(), 1U);
    EXPECT_TRUE(queue_.closed());
    EXPECT_TRUE(
        log_.contains("INFO: Draining: 3 in hand, no new messages are taken; still processing "
                      "begun (0 s, worker 0)"));
}

TEST_F(DispatcherTest, DrainReleasesWhatStillArrives) {
    finish_ = false;
    drain_next();
    queue_.arrive({{.id = "late"}});
    const auto end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::drained);
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("late", Verdict::release)));
    EXPECT_EQ(processors_.begun(), 0U);
}

TEST_F(DispatcherTest, DrainWaitsUntilTheQueueHasConfirmed) {
    finish_ = false;
    queue_.confirm_after(5);
    queue_.arrive({{.id = "1"}});
    wait_for_calls_next(1);
    drain_next();
    const auto end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::drained);
    EXPECT_EQ(queue_.unsettled(), 0U);
}

TEST_F(DispatcherTest, DrainRequestedBeforeTheRunTakesNothing) {
    queue_.arrive({{.id = "1"}});
    auto pool = WorkerPool::start(pool_settings_, processors_, clock_, nullptr, [] {});
    ASSERT_TRUE(pool);
    Dispatcher dispatcher(settings_, {.adapter = queue_,
                                      .workers = **pool,
                                      .notes = nullptr,
                                      .clock = clock_,
                                      .logger = log_.logger(),
                                      .random = [] { return 0.0; },
                                      .exit_when_finished = [] { return false; }});
    dispatcher.request_drain();
    const auto end = dispatcher.run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::drained);
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("1", Verdict::release)));
    EXPECT_EQ(processors_.begun(), 0U);
}

TEST_F(DispatcherTest, PastTheDrainTimeoutItLeavesTheMessageUnsettled) {
    finish_ = false;
    settings_.drain_timeout = 8s;
    processors_.close_gate();
    queue_.arrive({{.id = "stuck"}});
    wait_for_calls_next(1);
    drain_next();
    SteadyTime drain_began;
    queue_.then([this, &drain_began] {
        drain_began = clock_.steady_now();
        queue_.time_passes_while([] { return true; });
    });

    const auto end = run();

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, Dispatcher::End::drain_timeout);
    EXPECT_THAT(queue_.settled(), IsEmpty());
    EXPECT_TRUE(queue_.closed());
    EXPECT_EQ(clock_.steady_now() - drain_began, 8s);
    EXPECT_TRUE(
        log_.contains("ERROR: DRAIN_TIMEOUT has passed with 1 message in hand, which will come "
                      "again; still processing stuck (8 s, worker 0)"));
    processors_.open_gate();
}

TEST_F(DispatcherTest, InTheLastQuarterOfTheDrainProcessorsAreAskedToEnd) {
    finish_ = false;
    settings_.drain_timeout = 8s;
    processors_.close_gate();
    processors_.listen_to_cancellation();
    queue_.arrive({{.id = "listens"}});
    wait_for_calls_next(1);
    drain_next();
    SteadyTime drain_began;
    queue_.then([&] {
        drain_began = clock_.steady_now();
        // Up to the last quarter; from there on the worker itself says when it is done.
        queue_.time_passes_while(
            [this, drain_began] { return clock_.steady_now() <= drain_began + 6s; });
    });

    const auto end = run();

    ASSERT_TRUE(end) << end.error().message;
    EXPECT_EQ(*end, Dispatcher::End::drained);
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("listens", Verdict::retry)));
    EXPECT_GE(clock_.steady_now() - drain_began, 6s);
}

TEST_F(DispatcherTest, FinishesOnlyWhenTheQueueIsEmpty) {
    queue_.stay_full(3);
    queue_.arrive({{.id = "1"}});
    const SteadyTime before = clock_.steady_now();
    const auto end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::finished);
    EXPECT_GE(clock_.steady_now() - before, 100ms) << "it looked again, and not in a hurry";
}

TEST_F(DispatcherTest, FinishesOnlyWhenEverySettlementIsSafe) {
    queue_.confirm_after(4);
    queue_.arrive({{.id = "1"}});
    const auto end = run();
    ASSERT_TRUE(end);
    EXPECT_EQ(*end, Dispatcher::End::finished);
    EXPECT_EQ(queue_.unsettled(), 0U);
}

TEST_F(DispatcherTest, ReportsACallPastItsTimeout) {
    settings_.watch_process_timeout = true;
    pool_settings_.process_timeout = 2s;
    processors_.close_gate();
    processors_.listen_to_cancellation();
    queue_.arrive({{.id = "slow"}});
    wait_for_calls_next(1);
    queue_.then([this] { clock_.advance(2s); });
    ASSERT_TRUE(run());

    EXPECT_EQ(log_.count("WARNING: Processing of message slow by worker 0 has passed "
                         "PROCESS_TIMEOUT: running for 2 s"),
              1U);
    EXPECT_THAT(queue_.settled(), ElementsAre(settled("slow", Verdict::retry)));
}

TEST_F(DispatcherTest, AResultThatCameWithoutAWakeIsSettledWithinMilliseconds) {
    for (const char* id : {"first", "second", "slow"}) processors_.hold(id);
    queue_.arrive({{.id = "first"}, {.id = "second"}, {.id = "slow"}});
    queue_.then([this] {
        processors_.let_go("first");
        processors_.wait_for_calls(2);
    });
    // Between the two results something else happens, and no time passes: the pool, which has more
    // to do and has just woken the queue, does not wake it again.
    queue_.arrive({{.id = "other"}});
    const SteadyTime before = clock_.steady_now();
    queue_.time_passes_while([this] {
        if (queue_.settled().size() > 1) return false;
        processors_.let_go("second");
        processors_.wait_for_calls(3);
        processors_.let_go("slow");
        return true;
    });
    ASSERT_TRUE(run());
    ASSERT_THAT(queue_.settled(), SizeIs(4));
    EXPECT_EQ(queue_.settled()[1].id, "second");
    EXPECT_LE(queue_.settled()[1].at - before, 10ms);
}

TEST_F(DispatcherTest, EndsWithTheAdaptersErrorFromReceive) {
    queue_.arrive({{.id = "1"}});
    queue_.fail_receive("access refused");
    const auto end = run();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(end.error().message, "access refused");
}

TEST_F(DispatcherTest, EndsWithTheAdaptersErrorFromSettle) {
    queue_.fail_settle("no permission to publish");
    queue_.arrive({{.id = "1"}});
    const auto end = run();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().message, "no permission to publish");
}

TEST_F(DispatcherTest, EndsWithTheAdaptersErrorFromEmpty) {
    queue_.fail_empty("the queue is gone");
    const auto end = run();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().message, "the queue is gone");
}

TEST_F(DispatcherTest, EndsWithTheAdaptersErrorWhileDraining) {
    finish_ = false;
    drain_next();
    queue_.fail_receive("gone");
    const auto end = run();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().message, "gone");
}

TEST_F(DispatcherTest, AFixedPrefetchStays) {
    settings_.prefetch = 5;
    queue_.arrive({{.id = "1"}, {.id = "2"}});
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.prefetches(), ElementsAre(5U));
}

TEST_F(DispatcherTest, PrefetchFollowsTheTimeThatProcessingTakes) {
    processors_.close_gate();
    queue_.arrive({{.id = "slow"}});
    wait_for_calls_next(1);
    queue_.then([this] {
        clock_.advance(3s);
        processors_.open_gate();
    });
    ASSERT_TRUE(run());
    EXPECT_THAT(queue_.prefetches(), ElementsAre(16U, 2U));
}

TEST_F(DispatcherTest, ManyMessagesThroughSeveralWorkersAreEachSettledOnce) {
    settings_.workers = 4;
    pool_settings_.workers = 4;
    std::vector<std::string> expected;
    for (int batch = 0; batch < 50; ++batch) {
        std::vector<FakeMessage> messages;
        for (int i = 0; i < 20; ++i) {
            expected.push_back(std::to_string(batch * 20 + i));
            messages.push_back({.id = expected.back(), .body = i % 7 == 0 ? "fail" : ""});
        }
        queue_.arrive(std::move(messages));
    }
    const auto end = run();
    ASSERT_TRUE(end) << end.error().message;
    std::vector<std::string> ids;
    for (const Settled& verdict : queue_.settled()) ids.push_back(verdict.id);
    EXPECT_THAT(ids, testing::UnorderedElementsAreArray(expected));
    EXPECT_EQ(dispatcher_->totals().acknowledged + dispatcher_->totals().retried, 1'000U);
}

}  // namespace
}  // namespace rococo::svchost
