// SPDX-License-Identifier: MIT
#include "rococo_svchost/scheduling/last_run_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "temporary_folder.hpp"
#include "test_support.hpp"

namespace rococo::svchost {
namespace {

using namespace testing;
using ::testing::HasSubstr;

LastRunRecord record() {
    return {"0 9 * * *, Europe/Berlin", at("2026-11-24 12:00"),
            at("2026-11-24 12:00:10") + std::chrono::microseconds(123'456)};
}

TEST(LastRunStore, HasNoRecordAtFirst) {
    const TemporaryFolder folder;
    const LastRunStore store(folder.path() / "state", "processor");
    const auto loaded = store.load();
    ASSERT_TRUE(loaded);
    EXPECT_FALSE(*loaded);
}

TEST(LastRunStore, KeepsARecordToTheMicrosecond) {
    const TemporaryFolder folder;
    ASSERT_TRUE(LastRunStore(folder.path() / "a" / "b", "My Processor").save(record()));
    const LastRunStore store(folder.path() / "a" / "b", "My Processor");
    EXPECT_EQ(store.file().filename(), "schedule-My_Processor.json");
    const auto loaded = store.load();
    ASSERT_TRUE(loaded && *loaded);
    EXPECT_EQ((*loaded)->schedule, "0 9 * * *, Europe/Berlin");
    EXPECT_EQ((*loaded)->phase, at("2026-11-24 12:00"));
    EXPECT_EQ((*loaded)->settled_through, record().settled_through);
}

TEST(LastRunStore, ReplacesTheRecordAndLeavesNothingElseBehind) {
    const TemporaryFolder folder;
    const LastRunStore store(folder.path(), "p");
    ASSERT_TRUE(store.save(record()));
    auto later = record();
    later.settled_through = at("2026-11-25");
    ASSERT_TRUE(store.save(later));
    EXPECT_EQ((*store.load())->settled_through, at("2026-11-25"));
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(LastRunStore, TellsOfADamagedRecord) {
    const TemporaryFolder folder;
    const LastRunStore store(folder.path(), "p");
    for (const auto* text : {"", "{", "[]", R"({"phase": 5})", R"({"phase": "x"})"}) {
        std::ofstream(store.file()) << text;
        const auto loaded = store.load();
        ASSERT_FALSE(loaded) << text;
        EXPECT_EQ(loaded.error().kind, ErrorKind::unavailable);
        EXPECT_THAT(loaded.error().message, HasSubstr("delete the file"));
    }
}

TEST(LastRunStore, KeepsTheOldRecordWhereTheNewOneCannotBeWritten) {
    const TemporaryFolder folder;
    const LastRunStore store(folder.path(), "p");
    ASSERT_TRUE(store.save(record()));
    // No file may grow from here on, as on a full disk.
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit none{0, before.rlim_max};
    auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    auto later = record();
    later.settled_through = at("2026-11-25");
    const auto saved = store.save(later);
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    ASSERT_FALSE(saved);
    EXPECT_EQ(saved.error().kind, ErrorKind::unavailable);
    EXPECT_EQ((*store.load())->settled_through, record().settled_through);
}

TEST(LastRunStore, IsForItsOwnerAlone) {
    namespace fs = std::filesystem;
    const TemporaryFolder folder;
    const LastRunStore store(folder.path() / "a" / "b", "p");
    ASSERT_TRUE(store.save(record()));
    EXPECT_EQ(fs::status(store.file()).permissions(), fs::perms(0600));
    EXPECT_EQ(fs::status(folder.path() / "a" / "b").permissions(), fs::perms(0700));
    EXPECT_EQ(fs::status(folder.path() / "a").permissions(), fs::perms(0700));
    // What an earlier version left behind when it died in between.
    const fs::path left = store.file().string() + ".new";
    std::ofstream(left) << "x";
    fs::permissions(left, fs::perms(0644));
    ASSERT_TRUE(store.save(record()));
    EXPECT_EQ(fs::status(store.file()).permissions(), fs::perms(0600));
}

TEST(LastRunStore, IsCheckedWithoutATrace) {
    namespace fs = std::filesystem;
    const TemporaryFolder folder;
    EXPECT_TRUE(LastRunStore(folder.path() / "a" / "b", "p").check());
    EXPECT_TRUE(fs::is_empty(folder.path()));
    std::ofstream(folder.path() / "file") << "x";
    EXPECT_FALSE(LastRunStore(folder.path() / "file", "p").check());
    const auto checked = LastRunStore(folder.path() / "file" / "state", "p").check();
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, HasSubstr("cannot be written"));
}

TEST(LastRunStore, TellsOfAFolderThatCannotBe) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "file") << "x";
    const auto saved = LastRunStore(folder.path() / "file" / "state", "p").save(record());
    ASSERT_FALSE(saved);
    EXPECT_THAT(saved.error().message, HasSubstr("cannot create the state folder"));
}

}  // namespace
}  // namespace rococo::svchost
