// SPDX-License-Identifier: MIT
// A file that version 1.0.0 made, in every state that a message may have: files/queue-1.0.0.sqlite
// was written by its code (the last host was killed), at a clock of its own.
#include <gmock/gmock.h>
#include <sqlite3.h>

#include "queue_fixture.hpp"

namespace rococo::messaging::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class VersionsTest : public QueueFixture {
protected:
    VersionsTest() {
        std::filesystem::copy(std::filesystem::path(ROCOCO_QUEUE_FILES) / "queue-1.0.0.sqlite",
                              settings_.path);
        std::filesystem::permissions(settings_.path, std::filesystem::perms(0600));
        clock_.set_wall_clock(12h);  // What the file was written at.
    }

    [[nodiscard]] std::string ask(const char* sql) const {
        sqlite3* database = nullptr;
        std::string answer;
        sqlite3_open(settings_.path.c_str(), &database);
        sqlite3_exec(
            database, sql,
            [](void* text, int, char** values, char**) {
                *static_cast<std::string*>(text) += values[0];
                return 0;
            },
            &answer, nullptr);
        sqlite3_close(database);
        return answer;
    }
};

TEST_F(VersionsTest, LosesNothingOfAFileOfVersion1_0_0) {
    EXPECT_THAT(*SqliteConnection(settings_, "work", clock_).check(), IsEmpty());
    auto connection = connect();
    auto deliveries = receive(*connection);
    EXPECT_THAT(bodies(deliveries), ElementsAre("released", "held-1", "held-2", "new-1", "new-2"));
    for (const auto& delivery : deliveries) {
        EXPECT_EQ(delivery->attempt, 1U);
        EXPECT_THAT(delivery->headers, SizeIs(1));
        EXPECT_EQ(delivery->content_type, "text/plain");
    }
    clock_.advance(10s);
    const auto due = receive(*connection);
    ASSERT_THAT(bodies(due), ElementsAre("retry-due"));
    EXPECT_EQ(due[0]->attempt, 3U);
    clock_.advance(1h);
    EXPECT_THAT(bodies(receive(*connection)), ElementsAre("retry-later"));
    EXPECT_THAT(bodies(receive(*connect(100, "other"))), ElementsAre("other-1"));
    const auto letters = dead_letters()->list(10);
    ASSERT_THAT(*letters, SizeIs(1));
    EXPECT_EQ(letters->front().id, "dead");
    EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
}

TEST_F(VersionsTest, DoesNotChangeTheFormatSoThatVersion1_0_0MayGoOnWithTheFile) {
    const auto schema =
        ask("SELECT name || group_concat(name || type || \"notnull\") FROM "
            "(SELECT t.name AS name, c.name AS c, c.type, c.\"notnull\" FROM "
            "sqlite_master t, pragma_table_info(t.name) c) GROUP BY name");
    ASSERT_FALSE(schema.empty());
    EXPECT_EQ(ask("PRAGMA user_version"), "1");
    settings_.path = directory_.path() / "new.db";
    send({"1"});
    EXPECT_EQ(ask("PRAGMA user_version"), "1");
    EXPECT_EQ(ask("SELECT name || group_concat(name || type || \"notnull\") FROM "
                  "(SELECT t.name AS name, c.name AS c, c.type, c.\"notnull\" FROM "
                  "sqlite_master t, pragma_table_info(t.name) c) GROUP BY name"),
              schema);
}

TEST_F(VersionsTest, AHostOfVersion1_0_0BesideItSeesALeaseThatIsADate) {
    auto connection = connect();
    EXPECT_THAT(receive(*connection), SizeIs(5));
    const auto lease_until = std::stoll(ask("SELECT max(lease_until) FROM consumer"));
    EXPECT_EQ(lease_until, (clock_.now() + settings_.lease).time_since_epoch().count());
}

}  // namespace
}  // namespace rococo::messaging::testing
