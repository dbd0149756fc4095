// SPDX-License-Identifier: MIT
// Children that are shell scripts, which say what they like.
#include "rococo_svchost/processors/child_service.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "frames.hpp"
#include "message_frames.hpp"
#include "rococo/base/clock.hpp"
#include "support/fake_delivery.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class RecordedLines final : public ChildLog {
public:
    void log(std::string_view /*level*/, std::string_view module, unsigned line,
             std::string_view text) override {
        const std::scoped_lock lock(mutex_);
        text_ += fmt::format("{}:{} {}\n", module, line, text);
    }
    void pass_on(std::string_view stream, std::string_view line) override {
        const std::scoped_lock lock(mutex_);
        text_ += fmt::format("{}: {}\n", stream, line);
    }
    [[nodiscard]] std::string text() const {
        const std::scoped_lock lock(mutex_);
        return text_;
    }

private:
    mutable std::mutex mutex_;
    std::string text_;
};

class ChildServiceTest : public testing::Test {
protected:
    /// A command of a shell that sends a frame.
    static std::string sends(child::Report report, const std::string& meta, int descriptor = 3,
                             std::uint64_t seq = 0) {
        std::string frame;
        child::append_header(frame, static_cast<std::uint8_t>(report), meta.size(), 0, seq);
        std::string escaped;
        for (const char c : frame + meta)
            escaped += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
        return fmt::format("printf '{}' >&{};", escaped, descriptor);
    }
    /// Loads a service whose process runs this script.
    Result<std::unique_ptr<ChildService>> load(const std::string& script,
                                               std::chrono::milliseconds start_timeout = 4min,
                                               std::optional<ChildBroker> rabbitmq = {},
                                               std::chrono::microseconds process_timeout = 0s) {
        return ChildService::load({.executable = "/bin/sh",
                                   .arguments = {"sh", "-c", script},
                                   .folder = folder_.path(),
                                   .rabbitmq = std::move(rabbitmq),
                                   .state_folder = folder_.path(),
                                   .start_timeout = start_timeout,
                                   .process_timeout = process_timeout},
                                  lines_);
    }
    /// Why it cannot be loaded.
    std::string refusal(const std::string& script, std::chrono::milliseconds start_timeout = 4min) {
        const auto service = load(script, start_timeout);
        EXPECT_FALSE(service);
        return service ? "" : service.error().message;
    }

    tests::TemporaryFolder folder_;
    RecordedLines lines_;
};

TEST_F(ChildServiceTest, KnowsWhatTheChildSays) {
    const auto service =
        load(sends(child::Report::ready,
                   R"({"protocol":1,"package":"shop","version":"2.1","module":"shop.processor",)"
                   R"("type":"OrderProcessor","kind":"batches","notes":["mind the gap"]})") +
             "read -r never <&3");
    ASSERT_TRUE(service) << service.error().message;
    EXPECT_EQ((*service)->package(), "shop");
    EXPECT_EQ((*service)->version(), "2.1");
    ASSERT_EQ((*service)->processors().size(), 1U);
    EXPECT_EQ((*service)->processors()[0].type, "OrderProcessor");
    EXPECT_TRUE((*service)->processors()[0].takes_batches);
    EXPECT_EQ((*service)->notes(), std::vector<std::string>{"mind the gap"});
}

TEST_F(ChildServiceTest, TellsTheChildOfItsBrokerWithoutThePassword) {
    const std::string shows = "dd bs=4096 count=1 <&3 2>/dev/null | tr -d '\\000'; exit 1";
    ASSERT_FALSE(load(shows, 4min,
                      ChildBroker{.host = "one:5672,[::1]:5673",
                                  .port = 5672,
                                  .virtual_host = "shop",
                                  .user = "orders"}));
    EXPECT_THAT(lines_.text(), HasSubstr(R"("rabbitmq":{"host":"one:5672,[::1]:5673","port":5672,)"
                                         R"("user":"orders","virtual_host":"shop"})"));
    ASSERT_FALSE(load(shows));
    EXPECT_THAT(lines_.text(), HasSubstr(R"("protocol":1,"queue_prefix":"","type":"")"));
}

TEST_F(ChildServiceTest, TellsWhyTheChildRefused) {
    const std::string why =
        refusal(sends(child::Report::refused, R"({"stage":"choice","text":"several classes",)"
                                              R"("candidates":["A","B"]})") +
                "exit 70");
    EXPECT_EQ(why, "several classes\n  A\n  B");
}

TEST_F(ChildServiceTest, TellsHowAChildEndedThatSaidNothing) {
    EXPECT_THAT(refusal("exit 3"), HasSubstr("ended at its start: exit code 3"));
    EXPECT_THAT(refusal("kill -SEGV $$"), HasSubstr("ended at its start: SIGSEGV"));
}

TEST_F(ChildServiceTest, PassesOnWhatAChildPrintedBeforeItEnded) {
    EXPECT_THAT(refusal("echo out; echo err >&2; printf half; exit 1"), HasSubstr("exit code 1"));
    EXPECT_THAT(lines_.text(), HasSubstr("stdout: out\n"));
    EXPECT_THAT(lines_.text(), HasSubstr("stderr: err\n"));
    EXPECT_THAT(lines_.text(), HasSubstr("stdout: half\n"));
}

TEST_F(ChildServiceTest, DoesNotWaitForEverForAChildThatIsNotReady) {
    EXPECT_THAT(refusal("exec sleep 1000", 200ms), HasSubstr("PROCESSOR_START_TIMEOUT"));
}

TEST_F(ChildServiceTest, EndsAChildThatSendsWhatIsNoFrame) {
    EXPECT_THAT(refusal("echo hello, this is no frame >&3; exec sleep 1000"),
                HasSubstr("it sent what is no frame: 68 65 6c 6c 6f"));
}

TEST_F(ChildServiceTest, EndsAChildWhoseReadyIsOfWrongTypes) {
    for (const char* const meta :
         {"[]", "7", "not json", R"({"protocol":"1"})", R"({"protocol":2})",
          R"({"protocol":1,"package":7})", R"({"protocol":1,"notes":"none"})", "{}"}) {
        EXPECT_THAT(refusal(sends(child::Report::ready, meta) + "exec sleep 1000"),
                    HasSubstr("/bin/sh: "))
            << meta;
    }
}

TEST_F(ChildServiceTest, EndsAChildThatAnswersSomethingElse) {
    EXPECT_THAT(refusal(sends(child::Report::done, "") + "exec sleep 1000"),
                HasSubstr("answered with a frame of kind 3"));
}

TEST_F(ChildServiceTest, EndsAChildWhoseCallsAreNoFrames) {
    EXPECT_THAT(refusal("echo hello, this is no frame >&4; exec sleep 1000"), HasSubstr("SIGKILL"));
    EXPECT_THAT(lines_.text(), HasSubstr("it sent what is no frame"));
}

TEST_F(ChildServiceTest, EndsAChildWhoseLogLineIsOfWrongTypes) {
    EXPECT_THAT(refusal(sends(child::Report::log, R"({"level":7})", 4) + "exec sleep 1000"),
                HasSubstr("SIGKILL"));
}

/// What a worker hands over before its call is over.
struct RecordedProgress final : CallProgress {
    void ended(std::size_t count) override { all_ended += count; }
    void not_begun(std::size_t count) override { all_not_begun += count; }
    std::size_t all_ended = 0;
    std::size_t all_not_begun = 0;
};

struct NoSender final : messaging::MessageSender {
    Result<void> send(std::string_view /*queue*/,
                      std::span<const messaging::OutgoingMessage> /*messages*/) override {
        return {};
    }
};

/// A processor whose process is a script that has said that it is ready.
class ChildProcessorTest : public ChildServiceTest {
protected:
    void make(const std::string& script, std::chrono::microseconds process_timeout = 0s) {
        auto service = load(sends(child::Report::ready, R"({"protocol":1})") +
                                sends(child::Report::started, "{}") + script,
                            4min, {}, process_timeout);
        ASSERT_TRUE(service) << service.error().message;
        service_ = std::move(*service);
        factory_ =
            service_->factory(service_->processors().front(),
                              {.sender = sender_,
                               .clock = clock_,
                               .log = log_.sink(),
                               .on_broken = [&](const Error& error) { broken_ = error.message; }});
        auto processor = factory_->create();
        ASSERT_TRUE(processor) << processor.error().message;
        processor_ = std::move(*processor);
    }
    /// One call with two messages.
    RecordedProgress process() {
        const tests::FakeDelivery first({.id = "1"});
        const tests::FakeDelivery second({.id = "2"});
        const std::array<const messaging::Delivery*, 2> deliveries{&first, &second};
        const std::array<std::uint32_t, 2> attempts{1, 1};
        outcomes_.assign(2, Outcome{});
        RecordedProgress progress;
        Call call;
        call.attempts = attempts;
        call.progress = &progress;
        processor_->process(call, deliveries, outcomes_);
        return progress;
    }

    /// A command of a shell that starts a process, which holds all that the shell has open.
    [[nodiscard]] std::string starts_another() const {
        return fmt::format("sleep 1000 & echo $! >'{}';", (folder_.path() / "another").string());
    }
    /// Waits for the start of that process.
    [[nodiscard]] pid_t other() const {
        pid_t other = 0;
        (void)becomes_true([&] {
            std::ifstream file(folder_.path() / "another");
            std::string line;
            if (!std::getline(file, line) || file.eof()) return false;  // not yet, or half of it
            other = std::stoi(line);
            return true;
        });
        return other;
    }
    /// Waits for its end.
    [[nodiscard]] static bool ends(pid_t other) {
        const bool ended = becomes_true([&] {
            // It has no parent any more, and whoever has that place may not take it from the
            // system.
            std::ifstream status(fmt::format("/proc/{}/stat", other));
            std::string number;
            std::string name;
            std::string state;
            return !(status >> number >> name >> state) || state == "Z" || state == "X";
        });
        if (!ended) ::kill(other, SIGKILL);
        return ended;
    }
    template <typename Condition>
    static bool becomes_true(const Condition& condition) {
        const auto until = std::chrono::steady_clock::now() + 2min;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= until) return false;
            std::this_thread::sleep_for(10ms);
        }
        return true;
    }

    NoSender sender_;
    RealClock clock_;
    tests::RecordedLog log_;
    std::unique_ptr<ChildService> service_;
    std::unique_ptr<ProcessorFactory> factory_;
    std::unique_ptr<Processor> processor_;
    std::vector<Outcome> outcomes_;
    std::string broken_;
};

TEST_F(ChildProcessorTest, DoneOfWhatThePageDoesNotKnowAcknowledgesNothing) {
    make("head -c 1 <&3 >/dev/null;" + sends(child::Report::done, "", 3, 2) + "exec sleep 1000");
    const RecordedProgress progress = process();
    EXPECT_EQ(progress.all_not_begun, 2U) << "both go back";
    EXPECT_EQ(progress.all_ended, 0U);
    EXPECT_TRUE(log_.contains("it sent a frame of kind 3 for message 2 out of turn"));
}

/// Scribbles over a body that was given back, as its next owner may.
struct ScribblingProgress final : CallProgress {
    explicit ScribblingProgress(std::string& its_body) : body(its_body) {}
    void ended(std::size_t /*count*/) override {}
    void not_begun(std::size_t count) override {
        all_not_begun += count;
        std::ranges::fill(body, '!');
    }
    std::string& body;
    std::size_t all_not_begun = 0;
};

// The child begins the first while the second is on its way, so that the second is taken back; it
// reads on only when the host has done that.
TEST_F(ChildProcessorTest, WhatIsTakenBackReachesTheChildAsItWas) {
    std::string body(std::size_t{4} * 1024 * 1024, 'x');
    body.append(4096, 'e');  // more than the orders before it, which the script reads as well
    tests::FakeDelivery first({.id = "1"});
    tests::FakeDelivery second({.id = "2"});
    second.body = body;
    const std::array<const messaging::Delivery*, 2> deliveries{&first, &second};
    const std::array<std::uint32_t, 2> attempts{1, 1};
    std::size_t bytes = 0;
    child::MessageFrames frames;
    for (const iovec& part : frames.of_messages(deliveries, attempts, 1, false))
        bytes += part.iov_len;
    const auto sets = [](int word, int value) {
        return fmt::format("printf '\\00{}' | dd of=/dev/fd/5 bs=1 seek={} conv=notrunc 2>&-;",
                           value, word * 8);
    };
    const std::string waits_for_retraction =
        "until od -An -tu8 -j24 -N8 /dev/fd/5 | grep -q 2; do sleep 0.01; done; sleep 0.5;";
    // Begun before it is asked, or a busy machine would have both taken back.
    make(sets(0, 1) + "echo begun; head -c 1000 <&3 >/dev/null;" + waits_for_retraction +
         fmt::format("head -c {} <&3 | tail -c 7; echo;", bytes - 1000) + sets(0, 2) + sets(1, 2) +
         sends(child::Report::done, "", 3, 2) + "exec sleep 1000");
    outcomes_.assign(2, Outcome{});
    ScribblingProgress progress(body);
    Call call;
    call.attempts = attempts;
    call.progress = &progress;
    while (lines_.text().find("begun") == std::string::npos)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    processor_->process(call, deliveries, outcomes_);
    EXPECT_EQ(progress.all_not_begun, 1U);
    processor_.reset();
    EXPECT_THAT(lines_.text(), HasSubstr("stdout: eeeeeee\n"));
}

TEST_F(ChildProcessorTest, ProcessesThatEndBeforeTheyBeginAnythingAreGivenUp) {
    make("exit 9");
    for (int i = 0; i < 100 && broken_.empty(); ++i) EXPECT_EQ(process().all_not_begun, 2U);
    EXPECT_THAT(broken_, HasSubstr("before they process anything"));
}

TEST_F(ChildProcessorTest, ADeathIsSeenWhoeverStillHoldsTheConnectionAndTakesItAlong) {
    make("head -c 1 <&3 >/dev/null;" + starts_another() + "exit 9");
    EXPECT_EQ(process().all_not_begun, 2U);
    EXPECT_TRUE(log_.contains("exit code 9"));
    const pid_t another = other();
    ASSERT_NE(another, 0);
    EXPECT_TRUE(ends(another));
}

TEST_F(ChildProcessorTest, ATimeoutEndsWhatTheProcessorStartedAsWell) {
    // The signal that asks for the stack would end a shell.
    make("trap '' 40;" + starts_another() + "exec sleep 1000", 100ms);
    const pid_t another = other();
    ASSERT_NE(another, 0);
    (void)process();
    EXPECT_TRUE(log_.contains("was ended: timed out after 100 ms"));
    EXPECT_TRUE(ends(another));
}

TEST_F(ChildServiceTest, SaysThatTheProgramIsNotThere) {
    const auto service = ChildService::load({.executable = "/nowhere/python3",
                                             .arguments = {"python3"},
                                             .state_folder = folder_.path()},
                                            lines_);
    ASSERT_FALSE(service);
    EXPECT_EQ(service.error().message, "cannot start /nowhere/python3: No such file or directory");
}

}  // namespace
}  // namespace rococo::svchost
