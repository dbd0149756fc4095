// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "child_process.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BadFilesTest : public QueueFixture {
protected:
    [[nodiscard]] std::string file() const { return settings_.path.string(); }

    [[nodiscard]] static std::string content(const std::filesystem::path& path) {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static void write(const std::filesystem::path& path, const std::string& bytes) {
        std::ofstream(path, std::ios::binary) << bytes;
    }

    /// Carries out SQL on the file, as another program would.
    void sql(const char* text) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(file().c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, text, nullptr, nullptr, nullptr), SQLITE_OK)
            << sqlite3_errmsg(database);
        sqlite3_close(database);
    }

    /// Connection, sender and dead letters all refuse the file with its path and this text, and
    /// leave every byte of it as it was.
    void expect_refused(const std::string& why, ErrorKind kind = ErrorKind::configuration) {
        const auto before = content(settings_.path);
        SqliteConnection connection(settings_, "work", clock_);
        const auto opened = connection.open();
        ASSERT_FALSE(opened);
        EXPECT_EQ(opened.error().kind, kind);
        EXPECT_THAT(opened.error().message, HasSubstr(why));
        EXPECT_THAT(opened.error().message, HasSubstr(file()));
        EXPECT_FALSE(SqliteSender::open(settings_, clock_, seeded_random(1)));
        EXPECT_FALSE(SqliteDeadLetters::open(settings_, "work", clock_));
        EXPECT_TRUE(content(settings_.path) == before);
    }

    /// A queue file with messages, closed by everybody.
    void make_queue(int messages = 200) {
        auto opened = SqliteSender::open(settings_, clock_, seeded_random(1));
        ASSERT_TRUE(opened);
        const std::vector<OutgoingMessage> list(messages, message(std::string(1000, 'x')));
        ASSERT_TRUE((*opened)->send("work", list));
    }
};

TEST_F(BadFilesTest, RefusesBytesThatAreNoDatabase) {
    write(settings_.path, std::string(20'000, 'z'));
    expect_refused("not a database");
}

TEST_F(BadFilesTest, RefusesAShortTextFile) {
    write(settings_.path, "hello\n");
    expect_refused("not a database");
}

TEST_F(BadFilesTest, RefusesTheDatabaseOfAnotherProgram) {
    sql("CREATE TABLE invoices (number INTEGER); INSERT INTO invoices VALUES (1)");
    expect_refused("another program");
}

TEST_F(BadFilesTest, RefusesAQueueFileOfANewerVersion) {
    make_queue();
    sql("PRAGMA user_version = 2");
    expect_refused("version 2");
}

TEST_F(BadFilesTest, RefusesAFileThatWasCutOff) {
    make_queue();
    std::filesystem::resize_file(settings_.path, std::filesystem::file_size(settings_.path) / 2);
    expect_refused("damaged");
}

TEST_F(BadFilesTest, RefusesAFileWhoseTablesWereChanged) {
    make_queue();
    sql("ALTER TABLE queue RENAME TO queues");
    SqliteConnection connection(settings_, "work", clock_);
    const auto opened = connection.open();
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("tables"));
}

TEST_F(BadFilesTest, TellsOfDamageFoundLaterAndLeavesTheFileAlone) {
    make_queue(2000);
    auto bytes = content(settings_.path);
    const std::size_t middle = bytes.size() / 2;
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(middle), bytes.end() - 8192, '\x5a');
    write(settings_.path, bytes);
    auto connection = connect(5000);
    Events events;
    const auto received = connection->receive(clock_.steady_now(), events);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().kind, ErrorKind::configuration);
    EXPECT_THAT(received.error().message, HasSubstr("damaged"));
    EXPECT_THAT(received.error().message, HasSubstr(file()));
    EXPECT_THAT(events.deliveries, IsEmpty());
    connection->close();
    EXPECT_TRUE(content(settings_.path).substr(middle) == bytes.substr(middle));
}

TEST_F(BadFilesTest, RefusesADirectory) {
    std::filesystem::create_directory(settings_.path);
    SqliteConnection connection(settings_, "work", clock_);
    EXPECT_THAT(connection.open().error().message, HasSubstr("not a regular file"));
}

TEST_F(BadFilesTest, RefusesAFifoWithoutWaitingForIt) {
    ASSERT_EQ(::mkfifo(file().c_str(), 0600), 0);
    SqliteConnection connection(settings_, "work", clock_);
    EXPECT_THAT(connection.open().error().message, HasSubstr("not a regular file"));
}

TEST_F(BadFilesTest, RefusesADirectoryThatIsNotThere) {
    settings_.path = directory_.path() / "typo" / "queue.db";
    SqliteConnection connection(settings_, "work", clock_);
    EXPECT_THAT(connection.open().error().message, HasSubstr("does not exist"));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "typo"));
}

TEST_F(BadFilesTest, RefusesALogWhoseDatabaseIsGone) {
    write(file() + "-wal", std::string(10'000, 'x'));
    SqliteConnection connection(settings_, "work", clock_);
    EXPECT_THAT(connection.open().error().message, HasSubstr("-wal"));
    EXPECT_EQ(content(file() + "-wal").size(), 10'000U);
    EXPECT_FALSE(std::filesystem::exists(settings_.path));
}

TEST_F(BadFilesTest, AcceptsAnEmptyFile) {
    write(settings_.path, "");
    send({"1"});
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1"));
}

TEST_F(BadFilesTest, RefusesAReadOnlyFile) {
    make_queue();
    std::filesystem::permissions(directory_.path(), std::filesystem::perms::all);
    std::filesystem::permissions(file() + "-lock", std::filesystem::perms(0666));
    std::filesystem::permissions(settings_.path, std::filesystem::perms(0444));
    ChildProcess user({"open", file()});
    ASSERT_EQ(user.wait(), 1);
    const auto errors = user.errors();
    EXPECT_THAT(errors, HasSubstr("read-only"));
    EXPECT_THAT(errors, HasSubstr(file()));
}

TEST_F(BadFilesTest, RefusesAReadOnlyDirectory) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0555));
    ChildProcess user({"open", file()});
    EXPECT_EQ(user.wait(), 1);
    EXPECT_THAT(user.errors(), HasSubstr(file()));
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path()));
}

TEST_F(BadFilesTest, RefusesToWriteWhenTheDatabaseWasReplacedWhileInUse) {
    auto connection = connect();
    send({"1"});
    auto in_hand = receive(*connection);
    ASSERT_THAT(bodies(in_hand), ElementsAre("1"));
    std::filesystem::rename(settings_.path, directory_.path() / "moved.db");
    const auto sent = sender().send("work", message("2"));
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().message, HasSubstr("removed or replaced"));
    settle_all(*connection, std::move(in_hand), Verdict::ack);
    Events events;
    const auto received = connection->receive(clock_.steady_now(), events);
    ASSERT_FALSE(received);
    EXPECT_EQ(received.error().kind, ErrorKind::configuration);
}

TEST_F(BadFilesTest, RefusesToWriteWhenTheLogOrItsIndexWasDeleted) {
    for (const char* suffix : {"-wal", "-shm"}) {
        settings_.path = directory_.path() / (std::string("queue") + suffix + ".db");
        auto connection = connect();
        auto opened = SqliteSender::open(settings_, clock_, seeded_random(1));
        ASSERT_TRUE(opened);
        ASSERT_TRUE((*opened)->send("work", message("1")));
        std::filesystem::remove(file() + suffix);
        const auto sent = (*opened)->send("work", message("2"));
        ASSERT_FALSE(sent) << "it would be lost with the next one that opens the queue";
        EXPECT_THAT(sent.error().message, HasSubstr(file() + suffix + " was moved, removed"));
        Events events;
        EXPECT_FALSE(connection->receive(clock_.steady_now(), events));
    }
}

TEST_F(BadFilesTest, LeavesTheLogOfAQueueThatTookItsPlace) {
    auto connection = connect();
    send({"old"});
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
        std::filesystem::rename(file() + suffix, directory_.path() / ("old" + std::string(suffix)));
    }
    auto opened = SqliteSender::open(settings_, clock_, seeded_random(1));
    ASSERT_TRUE(opened) << "a new start";
    ASSERT_TRUE((*opened)->send("work", message("new", "new")));
    Events events;
    EXPECT_FALSE(connection->receive(clock_.steady_now(), events));
    connection->close();
    ASSERT_TRUE((*opened)->send("work", message("newer", "newer")));
    opened->reset();
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("new", "newer"));
}

TEST_F(BadFilesTest, FindsTheSameQueueByALinkToIt) {
    send({"1"});
    const auto file = settings_.path;
    settings_.path = directory_.path() / "link.db";
    std::filesystem::create_symlink(file, settings_.path);
    EXPECT_THAT(bodies(receive(*connect())), ElementsAre("1"));
    EXPECT_FALSE(std::filesystem::exists(settings_.path.string() + "-lock"));
}

TEST_F(BadFilesTest, RefusesToWriteWhenTheLockFileWasDeleted) {
    send({"1"});
    std::filesystem::remove(file() + "-lock");
    const auto sent = sender().send("work", message("2"));
    ASSERT_FALSE(sent);
    EXPECT_THAT(sent.error().message, HasSubstr("deleted while in use"));
}

}  // namespace
}  // namespace rococo::messaging::testing
