// SPDX-License-Identifier: MIT
// The child's side of the frames, for processors of libraries, against a host that is a test.
#include "library_worker.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "child_page.hpp"
#include "framed_delivery.hpp"
#include "host_calls.hpp"
#include "message_frames.hpp"
#include "support/fake_delivery.hpp"

namespace rococo::svchost::child {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using tests::FakeDelivery;
using tests::FakeMessage;
using Json = nlohmann::json;

/// Two ends of a socket; frames are read at the first with patience.
class Connection {
public:
    Connection() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        ours_ = FileDescriptor(ends[0]);
        childs_ = FileDescriptor(ends[1]);
    }
    [[nodiscard]] FileDescriptor childs_end() { return std::move(childs_); }
    void close() { ours_.close(); }

    void say(std::string_view bytes) const {
        ASSERT_EQ(::send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    void say(Order order, std::string_view meta, std::uint64_t seq = 0) const {
        std::string frame;
        append_frame(frame, order, meta, seq);
        say(frame);
    }
    /// The next frame: kind, number, metadata and payload.
    struct Said {
        Report report;
        std::uint64_t seq;
        Json meta;
        std::string payload;
    };
    Said next() {
        while (true) {
            const auto frame = reader_.next();
            if (!frame) throw std::runtime_error(frame.error().message);
            if (*frame) {
                const Frame& one = **frame;
                return {static_cast<Report>(one.kind), one.seq,
                        one.meta.empty() ? Json() : Json::parse(one.meta),
                        std::string(one.payload)};
            }
            std::array<char, 1> byte{};
            (void)::recv(ours_.get(), byte.data(), 1, MSG_PEEK);  // waits
            if (!reader_.read(ours_.get())) throw std::runtime_error("the child has gone");
        }
    }

private:
    FileDescriptor ours_;
    FileDescriptor childs_;
    FrameReader reader_;
};

TEST(FramedDeliveryTest, HasAllThatTheHostsMessageHas) {
    FakeDelivery given(FakeMessage{});
    const std::vector<messaging::HeaderView> headers{{"color", "blue"}, {"empty", ""}};
    given.body = std::string_view("\0body\xff", 6);
    given.id = "id-1";
    given.queue = "orders";
    given.content_type = "text/plain";
    given.correlation_id = "c\"1";
    given.content_encoding = "gzip";
    given.reply_to = "answers";
    given.type = "order";
    given.app_id = "shop";
    given.priority = 0;
    given.headers = headers;
    given.sent_at = SystemTime(std::chrono::microseconds(1'700'000'000'123'456));
    given.redelivered = true;
    MessageFrames frames;
    const std::array<const messaging::Delivery*, 1> all{&given};
    const std::array<std::uint32_t, 1> attempts{3};
    Connection connection;
    const FileDescriptor child = connection.childs_end();
    for (const iovec& part : frames.of_messages(all, attempts, 7, /*as_batch=*/true))
        connection.say({static_cast<const char*>(part.iov_base), part.iov_len});
    FrameReader reader;
    ASSERT_TRUE(reader.read(child.get()));
    const auto frame = reader.next();
    ASSERT_TRUE(frame && *frame);

    const FramedDelivery delivery(**frame);
    EXPECT_EQ(delivery.seq(), 7U);
    EXPECT_EQ(delivery.batch_size(), 1U);
    EXPECT_EQ(delivery.body, given.body);
    EXPECT_EQ(delivery.id, given.id);
    EXPECT_EQ(delivery.queue, given.queue);
    EXPECT_EQ(delivery.content_type, given.content_type);
    EXPECT_EQ(delivery.correlation_id, given.correlation_id);
    EXPECT_EQ(delivery.content_encoding, given.content_encoding);
    EXPECT_EQ(delivery.reply_to, given.reply_to);
    EXPECT_EQ(delivery.type, given.type);
    EXPECT_EQ(delivery.app_id, given.app_id);
    EXPECT_EQ(delivery.priority, given.priority);
    EXPECT_EQ(delivery.sent_at, given.sent_at);
    EXPECT_EQ(delivery.attempt, 3U);
    EXPECT_TRUE(delivery.redelivered);
    ASSERT_EQ(delivery.headers.size(), 2U);
    EXPECT_EQ(delivery.headers[0].name, "color");
    EXPECT_EQ(delivery.headers[0].value, "blue");
    EXPECT_EQ(delivery.headers[1].value, "");
}

TEST(HostCallsTest, EachThreadGetsTheAnswerToItsOwnMessages) {
    Connection connection;
    HostCalls calls(connection.childs_end());
    std::thread host([&] {
        for (int i = 0; i < 400; ++i) {
            const auto said = connection.next();
            ASSERT_EQ(said.report, Report::send);
            const bool good = said.payload.starts_with("good");
            connection.say(good ? Order::sent : Order::not_sent,
                           good ? "" : R"({"error":"no queue )" + said.payload + "\"}", said.seq);
        }
    });
    const auto send = [&](const std::string& body) {
        for (int i = 0; i < 100; ++i) {
            const auto sent = calls.send("orders", messaging::OutgoingMessage{.body = body});
            ASSERT_EQ(sent.has_value(), body.starts_with("good"));
            if (sent) continue;
            ASSERT_THAT(sent.error().message, HasSubstr("no queue " + body));
        }
    };
    std::vector<std::thread> threads;
    for (const char* body : {"good 1", "bad 1", "good 2", "bad 2"})
        threads.emplace_back(send, body);
    for (std::thread& thread : threads) thread.join();
    host.join();
}

TEST(HostCallsTest, AMessageIsNotSentWhereTheHostHasGone) {
    Connection connection;
    HostCalls calls(connection.childs_end());
    std::thread host([&] {
        (void)connection.next();
        connection.close();
    });
    for (int i = 0; i < 2; ++i) {
        const auto sent = calls.send("orders", messaging::OutgoingMessage{.body = "x"});
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
    }
    host.join();
}

TEST(HostCallsTest, LogsFromTheLevelThatTheHostWants) {
    Connection connection;
    HostCalls calls(connection.childs_end());
    calls.set_log_level(LogLevel::warning);
    const Logger logger(&calls.log());
    logger.info("nobody wants this");
    logger.error("two\nlines of {}", 1);
    const auto said = connection.next();
    EXPECT_EQ(said.report, Report::log);
    EXPECT_EQ(said.meta.at("level"), "ERROR");
    EXPECT_EQ(said.meta.at("module"), "library_worker_test");
    EXPECT_EQ(said.payload, "two\nlines of 1");
}

/// A worker on a thread of its own, with the test as its host.
class LibraryWorkerTest : public testing::Test {
protected:
    LibraryWorkerTest()
        : page_(ChildPage::open(FileDescriptor(::memfd_create("page", MFD_CLOEXEC))).value()),
          calls_(calls_connection_.childs_end()),
          thread_([this, work = work_.childs_end()]() mutable {
              LibraryWorker worker(MANY_PROCESSORS, std::move(work), calls_,
                                   WorkerPage::open(page_.descriptor()).value());
              if (const auto ended = worker.run(); !ended) worker.refuse(ended.error());
          }) {}
    ~LibraryWorkerTest() override {
        work_.close();
        thread_.join();
    }

    void greet(const std::string& type) {
        work_.say(Order::hello, Json{{"protocol", 1}, {"work", "messages"}, {"type", type}}.dump());
    }
    void start(const std::string& type) {
        greet(type);
        ASSERT_EQ(work_.next().report, Report::ready);
        work_.say(Order::start, "{}");
        ASSERT_EQ(work_.next().report, Report::started);
    }
    void message(std::uint64_t seq, const std::string& body, bool last,
                 const std::string& meta = "") {
        std::string frame;
        append_header(frame,
                      static_cast<std::uint8_t>(static_cast<unsigned>(Order::message) |
                                                (last ? kLastOfWindow : 0U)),
                      meta.size(), body.size(), seq);
        work_.say(frame + meta + body);
    }

    Connection work_;
    Connection calls_connection_;
    ChildPage page_;
    HostCalls calls_;
    std::thread thread_;
};

TEST_F(LibraryWorkerTest, SaysWhatTheServiceIs) {
    greet("BatchHelper");
    const auto ready = work_.next();
    ASSERT_EQ(ready.report, Report::ready) << ready.meta;
    EXPECT_EQ(ready.meta.at("package"), "many_processors");
    EXPECT_EQ(ready.meta.at("type"), "BatchHelper");
    EXPECT_EQ(ready.meta.at("kind"), "batches");
}

TEST_F(LibraryWorkerTest, SaysWhyThereWillBeNoProcessor) {
    greet("Nobody");
    const auto refused = work_.next();
    EXPECT_EQ(refused.report, Report::refused);
    EXPECT_THAT(refused.meta.at("text").get<std::string>(), HasSubstr("Nobody"));
}

TEST_F(LibraryWorkerTest, SaysWhatFailedBeforeThatIsDone) {
    start("EchoServiceProcessor");
    page_.begin_window(1);
    message(1, "cancelled?", false);
    message(2, "retry", false);
    message(3, "permanent", true);
    std::vector<std::string> said;
    for (int i = 0; i < 3; ++i) {
        const auto failed = work_.next();
        ASSERT_EQ(failed.report, Report::failed);
        said.push_back(fmt::format("{} {} {}", failed.seq,
                                   failed.meta.at("outcome").get<std::string>(),
                                   failed.meta.at("error").get<std::string>()));
    }
    EXPECT_THAT(said, ElementsAre("1 failed no", "2 retry_after later", "3 permanent no use"));
    const auto done = work_.next();
    EXPECT_EQ(done.report, Report::done);
    EXPECT_EQ(done.seq, 3U);
    EXPECT_EQ(page_.progress(), (ChildProgress{.begun = 3, .done = 3}));
}

TEST_F(LibraryWorkerTest, TellsTheProcessorThatItIsCancelled) {
    start("EchoServiceProcessor");
    page_.begin_window(1);
    page_.set_cancelled(true);
    message(1, "cancelled?", true);
    EXPECT_EQ(work_.next().meta.at("error"), "yes");
}

TEST_F(LibraryWorkerTest, CallsABatchOnceForAll) {
    start("BatchHelper");
    page_.begin_window(1);
    message(1, "ack", false, R"({"batch":3})");
    message(2, "fail", false);
    message(3, "bury", true);
    const auto failed = work_.next();
    EXPECT_EQ(failed.seq, 2U);
    EXPECT_EQ(failed.meta.at("error"), "failed");
    const auto buried = work_.next();
    EXPECT_EQ(buried.seq, 3U);
    EXPECT_EQ(buried.meta.at("outcome"), "permanent");
    EXPECT_EQ(work_.next().report, Report::done);
}

TEST_F(LibraryWorkerTest, DoesNotBeginWhatIsRetracted) {
    start("EchoServiceProcessor");
    page_.begin_window(1);
    page_.retract(1, 3);
    message(1, "throw", false);
    message(2, "throw", false);
    message(3, "throw", true);
    EXPECT_EQ(work_.next().report, Report::failed);  // the first was to be begun
    const auto returned = work_.next();
    EXPECT_EQ(returned.report, Report::returned);
    EXPECT_EQ(returned.seq, 2U);
    EXPECT_EQ(work_.next().report, Report::done);
    // The numbers go on in the next window.
    page_.begin_window(4);
    message(4, "throw", true);
    EXPECT_EQ(work_.next().seq, 4U);
    EXPECT_EQ(work_.next().report, Report::done);
    EXPECT_EQ(page_.progress(), (ChildProgress{.begun = 4, .done = 4}));
}

TEST_F(LibraryWorkerTest, RefusesWorkBeforeItsStart) {
    message(1, "fine", true);
    const auto refused = work_.next();
    EXPECT_EQ(refused.report, Report::refused);
    EXPECT_THAT(refused.meta.at("text").get<std::string>(), HasSubstr("out of turn"));
}

}  // namespace
}  // namespace rococo::svchost::child
