// SPDX-License-Identifier: MIT
#include "log_writer.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace rococo::svchost {
namespace {

using namespace std::chrono_literals;

/// A pipe, and a writer of lines at its end.
class LogWriterTest : public testing::Test {
protected:
    LogWriterTest() {
        std::signal(SIGPIPE, SIG_IGN);
        EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC), 0);
    }
    ~LogWriterTest() override {
        close_reader();
        if (ends_[1] >= 0) ::close(ends_[1]);
    }

    LogWriter::Settings settings(std::size_t capacity = 1'000) const {
        return {.descriptor = ends_[1],
                .capacity = capacity,
                .notice = [](const std::string& text) { return "NOTICE " + text + "\n"; }};
    }

    void close_reader() {
        if (ends_[0] >= 0) ::close(ends_[0]);
        ends_[0] = -1;
    }

    /// Reads so many lines, however long it takes.
    std::vector<std::string> read_lines(std::size_t count) {
        std::vector<std::string> lines;
        std::string line;
        char c = 0;
        while (lines.size() < count && ::read(ends_[0], &c, 1) == 1) {
            line += c;
            if (c != '\n') continue;
            lines.push_back(line);
            line.clear();
        }
        return lines;
    }

    static void push(LogWriter& writer, const std::string& line) {
        writer.push(writer.lock(), line);
    }

    std::array<int, 2> ends_{-1, -1};
};

TEST_F(LogWriterTest, WritesLinesInTheirOrder) {
    LogWriter writer(settings());
    push(writer, "one\n");
    push(writer, "two\n");
    EXPECT_EQ(read_lines(2), (std::vector<std::string>{"one\n", "two\n"}));
    EXPECT_TRUE(writer.flush(60s));
}

TEST_F(LogWriterTest, NeverWaitsForAReaderThatStallsAndSaysWhatWasDropped) {
    LogWriter writer(settings());
    // Until the pipe takes no more, and then more than the queue takes: who waits here would do so
    // for ever.
    std::size_t pushed = 0;
    while (writer.flush(20ms))
        push(writer, std::to_string(pushed++) + std::string(500, '.') + "\n");
    for (int i = 0; i < 1'000; ++i) push(writer, std::to_string(pushed++) + "\n");

    std::size_t next = 0;
    std::size_t dropped = 0;
    while (next + dropped < pushed) {
        const auto lines = read_lines(1);
        ASSERT_EQ(lines.size(), 1U);
        std::size_t said = 0;
        if (std::sscanf(lines[0].c_str(), "NOTICE %zu log line", &said) == 1) {
            dropped += said;
        } else {
            ASSERT_EQ(std::stoul(lines[0]), next + dropped) << "order, and no hole";
            ++next;
        }
    }
    EXPECT_GT(dropped, 0U);
    EXPECT_TRUE(writer.flush(60s));
    push(writer, "again\n");
    EXPECT_EQ(read_lines(1).front(), "again\n");
}

TEST_F(LogWriterTest, EndsBesideAReaderThatStalls) {
    {
        LogWriter writer(settings(1'000'000));
        for (int i = 0; i < 100; ++i) push(writer, std::string(10'000, 'x') + "\n");
    }  // must come back: the test's timeout says so
    // The thread is still at it: its descriptor must not become another test's.
    ends_ = {-1, -1};
}

TEST_F(LogWriterTest, WritesWhatWaitedBeforeItEnds) {
    std::string all;
    {
        LogWriter writer(settings(1'000'000));
        for (int i = 0; i < 1'000; ++i) push(writer, "line\n");
    }
    EXPECT_EQ(read_lines(1'000).back(), "line\n");
}

TEST_F(LogWriterTest, GoesOnWithoutAReader) {
    LogWriter writer(settings());
    close_reader();
    for (int i = 0; i < 10; ++i) {
        push(writer, "to nobody\n");
        EXPECT_TRUE(writer.flush(60s));
    }
}

TEST_F(LogWriterTest, SaysWhatAFullDiskLost) {
    const int descriptor = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    auto on_disk = settings();
    on_disk.descriptor = descriptor;
    {
        LogWriter writer(on_disk);
        push(writer, "lost\n");
        EXPECT_TRUE(writer.flush(60s));
        push(writer, "lost\n");
        EXPECT_TRUE(writer.flush(60s));
        ::dup2(ends_[1], descriptor);  // there is room again
        push(writer, "kept\n");
        EXPECT_EQ(read_lines(2),
                  (std::vector<std::string>{"NOTICE 2 log lines lost: No space left on device\n",
                                            "kept\n"}));
    }
    ::close(descriptor);
}

TEST_F(LogWriterTest, TakesALineThatIsLongerThanItsQueue) {
    LogWriter writer(settings(10));
    const std::string line = std::string(200'000, 'x') + "\n";
    push(writer, line);
    EXPECT_EQ(read_lines(1).front(), line);
}

TEST_F(LogWriterTest, WritesToADescriptorThatSomebodyMadeNonBlocking) {
    ::fcntl(ends_[1], F_SETFL, O_NONBLOCK);
    LogWriter writer(settings(1'000'000));
    const std::string line = std::string(200'000, 'x') + "\n";  // more than a pipe holds
    push(writer, line);
    EXPECT_EQ(read_lines(1).front(), line);
}

TEST_F(LogWriterTest, WritesAtOnceInAForkedChild) {
    LogWriter writer(settings());
    const pid_t child = ::fork();
    if (child == 0) {
        push(writer, "from the child\n");
        ::_exit(0);
    }
    int status = 1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(read_lines(1).front(), "from the child\n");
    push(writer, "from the parent\n");
    EXPECT_EQ(read_lines(1).front(), "from the parent\n");
}

}  // namespace
}  // namespace rococo::svchost
