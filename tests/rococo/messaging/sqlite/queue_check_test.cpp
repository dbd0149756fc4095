// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <map>

#include "child_process.hpp"
#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class QueueCheckTest : public QueueFixture {
protected:
    /// Every file of the directory with its bytes, but the index of the log, which is memory that
    /// readers share.
    [[nodiscard]] std::map<std::string, std::string> content() const {
        std::map<std::string, std::string> files;
        for (const auto& each : std::filesystem::recursive_directory_iterator(directory_.path())) {
            const auto name = each.path().string();
            std::ifstream stream(each.path(), std::ios::binary);
            const bool index = name.ends_with("-shm");
            files[name] = each.is_directory() || index
                              ? ""
                              : std::string(std::istreambuf_iterator<char>(stream), {});
        }
        return files;
    }

    /// What `check` says; nothing in the directory changes by it.
    [[nodiscard]] Result<std::vector<std::string>> check(const std::string& queue = "work") {
        const auto before = content();
        SqliteConnection connection(settings_, queue, clock_);
        auto checked = connection.check();
        EXPECT_TRUE(content() == before);
        return checked;
    }
};

TEST_F(QueueCheckTest, SaysThatTheFileDoesNotExistYetAndMakesNothing) {
    const auto checked = check();
    ASSERT_TRUE(checked);
    EXPECT_THAT(*checked, ElementsAre(HasSubstr("does not exist yet")));
    EXPECT_THAT((*checked)[0], HasSubstr(settings_.path.string()));
}

TEST_F(QueueCheckTest, MakesNoFolderThatOpenWouldMake) {
    settings_.path = directory_.path() / "state" / "deep" / "queue.db";
    settings_.make_folder = true;
    const auto checked = check();
    ASSERT_TRUE(checked);
    EXPECT_THAT(*checked, ElementsAre(HasSubstr("does not exist yet")));
    EXPECT_FALSE(std::filesystem::exists(directory_.path() / "state"));
    send({"1"});
    struct stat status = {};
    ASSERT_EQ(::stat((directory_.path() / "state").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(QueueCheckTest, RefusesAFolderThatOpenWouldNotMake) {
    settings_.path = directory_.path() / "typo" / "queue.db";
    const auto checked = check();
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind, ErrorKind::configuration);
    EXPECT_THAT(checked.error().message, HasSubstr("does not exist"));
}

TEST_F(QueueCheckTest, HasNothingToSayOfAQueueThatIsThere) {
    send({"1"});
    const auto checked = check();
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_THAT(*checked, IsEmpty());
}

TEST_F(QueueCheckTest, SaysThatTheQueueDoesNotExistYet) {
    send({"1"});
    const auto checked = check("another");
    ASSERT_TRUE(checked);
    EXPECT_THAT(*checked, ElementsAre(HasSubstr("no queue another")));
    static_cast<void>(connect(1, "another"));
    EXPECT_THAT(*check("another"), IsEmpty());
}

TEST_F(QueueCheckTest, TakesNothingWhileAHostRuns) {
    send({"1"});
    auto connection = connect();
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(check());
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("1"));
    EXPECT_TRUE(check());
    settle_all(*connection, Deliveries(), Verdict::ack);
}

TEST_F(QueueCheckTest, LooksIntoAFileThatAHostLeftWhenItDied) {
    {
        ChildProcess holder({"hold-new", settings_.path.string(), "work", "1"});
        ASSERT_TRUE(holder.wait_until_ready());
    }
    ASSERT_TRUE(std::filesystem::exists(settings_.path.string() + "-wal"));
    EXPECT_THAT(*check(), IsEmpty());
    std::filesystem::remove(settings_.path.string() + "-shm");
    EXPECT_THAT(*check(), IsEmpty()) << "after a reboot the log may be there without its index";
    EXPECT_THAT(*check("other"), ElementsAre(HasSubstr("no queue other")));
}

TEST_F(QueueCheckTest, RefusesWhatOpenRefuses) {
    std::ofstream(settings_.path) << std::string(20'000, 'z');
    auto checked = check();
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("not a database"));
    std::filesystem::remove(settings_.path);
    std::filesystem::create_directory(settings_.path);
    EXPECT_THAT(check().error().message, HasSubstr("not a regular file"));
}

TEST_F(QueueCheckTest, RefusesTheDatabaseOfAnotherProgramAndANewerVersion) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(settings_.path.c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, "CREATE TABLE invoices (number INTEGER)", nullptr, nullptr, nullptr);
    EXPECT_THAT(check().error().message, HasSubstr("another program"));
    sqlite3_exec(database, "PRAGMA application_id=1381070181; PRAGMA user_version=2", nullptr,
                 nullptr, nullptr);
    sqlite3_close(database);
    EXPECT_THAT(check().error().message, HasSubstr("version 2"));
}

TEST_F(QueueCheckTest, RefusesTablesThatWereChanged) {
    send({"1"});
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(settings_.path.c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, "ALTER TABLE waiting RENAME TO waiters", nullptr, nullptr, nullptr);
    sqlite3_close(database);
    EXPECT_THAT(check().error().message, HasSubstr("tables"));
}

TEST_F(QueueCheckTest, RefusesAFileOrAFolderThatCannotBeWritten) {
    send({"1"});
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0555));
    {
        ChildProcess user({"check", settings_.path.string()});
        EXPECT_EQ(user.wait(), 1);
        EXPECT_THAT(user.errors(), HasSubstr("cannot be written by this user"));
    }
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0777));
    for (const char* suffix : {"", "-wal", "-shm", "-lock"}) {
        std::filesystem::permissions(settings_.path.string() + suffix,
                                     std::filesystem::perms(0666));
    }
    std::filesystem::permissions(settings_.path, std::filesystem::perms(0444));
    ChildProcess user({"check", settings_.path.string()});
    EXPECT_EQ(user.wait(), 1);
    EXPECT_THAT(user.errors(), HasSubstr(settings_.path.string() + " cannot be written"));
}

TEST_F(QueueCheckTest, SaysWhatOthersMayDo) {
    send({"1"});
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0777));
    std::filesystem::permissions(settings_.path, std::filesystem::perms(0644));
    const auto checked = check();
    ASSERT_TRUE(checked);
    EXPECT_THAT(*checked, ElementsAre(HasSubstr("can write to the folder"),
                                      HasSubstr("can read the messages")));
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0700));
}

}  // namespace
}  // namespace rococo::messaging::testing
