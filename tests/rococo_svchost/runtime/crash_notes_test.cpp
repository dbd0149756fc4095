// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_notes.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/fake_delivery.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using tests::FakeDelivery;
using tests::TemporaryFolder;

class CrashNotesTest : public testing::Test {
protected:
    std::unique_ptr<CrashNotes> open(std::string_view queue = "orders", std::size_t workers = 2,
                                     std::size_t max_batch = 3) {
        auto notes = CrashNotes::open(folder_.path(), queue, workers, max_batch);
        EXPECT_TRUE(notes) << notes.error().message;
        return notes ? std::move(*notes) : nullptr;
    }

    /// A child process does this with notes of its own, and dies of SIGKILL.
    void in_a_process_that_dies(const std::function<void(CrashNotes&)>& work) {
        const pid_t child = ::fork();
        if (child == 0) {
            const auto notes = CrashNotes::open(folder_.path(), "orders", 2, 3);
            if (!notes) ::_exit(1);
            work(**notes);
            ::raise(SIGKILL);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));
    }

    [[nodiscard]] std::size_t notes_files() const {
        std::size_t count = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(folder_.path() / "crash-notes")) {
            count += entry.path().extension() == ".notes";
        }
        return count;
    }

    TemporaryFolder folder_;
};

void hold(CrashNotes& notes, std::size_t worker, std::vector<MessageIdentity> messages) {
    notes.begin(worker, messages);
}

TEST_F(CrashNotesTest, KnowNothingAtFirst) {
    const auto notes = open();
    EXPECT_EQ(notes->crashes(7), 0U);
}

TEST_F(CrashNotesTest, ChargeWhatADeadHostHadInHandAndNothingElse) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {1, 2, 3});
        notes.end(0);
        hold(notes, 0, {4});
        hold(notes, 1, {5, 6});
    });

    const auto notes = open();

    for (const MessageIdentity settled : {1U, 2U, 3U}) EXPECT_EQ(notes->crashes(settled), 0U);
    for (const MessageIdentity held : {4U, 5U, 6U}) EXPECT_EQ(notes->crashes(held), 1U);
    EXPECT_EQ(notes_files(), 1U) << "the dead host's file is taken in";
}

TEST_F(CrashNotesTest, AddUpOverSeveralDeaths) {
    for (int death = 1; death <= 3; ++death) {
        in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {9}); });
    }
    EXPECT_EQ(open()->crashes(9), 3U);
}

TEST_F(CrashNotesTest, LeaveALiveHostAlone) {
    const auto living = open();
    hold(*living, 0, {1});

    const auto other = open();
    EXPECT_EQ(other->crashes(1), 0U);
    other->take_in_the_dead();
    EXPECT_EQ(other->crashes(1), 0U);
    EXPECT_EQ(notes_files(), 2U);
}

TEST_F(CrashNotesTest, SeeADeathThatHappensLater) {
    const auto notes = open();
    in_a_process_that_dies([](CrashNotes& dying) { hold(dying, 1, {8}); });

    EXPECT_EQ(notes->crashes(8), 0U);
    notes->take_in_the_dead();
    EXPECT_EQ(notes->crashes(8), 1U);
}

TEST_F(CrashNotesTest, AreKeptInTheLedgerWhoeverTookThemIn) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {8}); });
    open();  // takes them in and ends

    EXPECT_EQ(open()->crashes(8), 1U);
}

TEST_F(CrashNotesTest, ForgetAMessageForAllHosts) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {8, 9}); });
    const auto notes = open();
    notes->forget(8);

    EXPECT_EQ(notes->crashes(8), 0U);
    EXPECT_EQ(notes->crashes(9), 1U);
    const auto other = open();
    EXPECT_EQ(other->crashes(8), 0U);
    EXPECT_EQ(other->crashes(9), 1U);
}

TEST_F(CrashNotesTest, LeaveNothingBehindAnOrderlyEnd) {
    {
        const auto notes = open();
        hold(*notes, 0, {1});
    }
    EXPECT_EQ(notes_files(), 0U);
    EXPECT_EQ(open()->crashes(1), 0U);
}

TEST_F(CrashNotesTest, AreWithdrawnBeforeAHostEndsOnPurpose) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {1});
        notes.discard();
    });
    EXPECT_EQ(open()->crashes(1), 0U);
}

TEST_F(CrashNotesTest, AreKeptForEachQueueByItself) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {1}); });
    EXPECT_EQ(open("invoices")->crashes(1), 0U);
    EXPECT_EQ(open("orders")->crashes(1), 1U);
}

TEST_F(CrashNotesTest, TakeQueueNamesThatAreNoFileNames) {
    for (const std::string& queue :
         {std::string("../../escape"), std::string("a/b"), std::string(), std::string(".."),
          std::string(300, 'q'), std::string("\xE2\x82\xAC\n")}) {
        EXPECT_NE(open(queue), nullptr) << queue;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_.path().parent_path() / "escape"));
}

TEST_F(CrashNotesTest, NoteNoMoreThanABatch) {
    const auto notes = open("orders", 1, 2);
    const std::vector<MessageIdentity> many(100, 5);
    notes->begin(0, many);  // must not write past its region
    notes->end(0);
}

TEST_F(CrashNotesTest, SurviveALedgerOfNonsense) {
    folder_.write("crash-notes/orders/ledger", "not a number\n\xff\xfe");
    const auto notes = open();
    EXPECT_EQ(notes->crashes(1), 0U);
}

TEST_F(CrashNotesTest, SurviveANotesFileThatWasCutOff) {
    folder_.write("crash-notes/orders/broken.notes", "12345");
    EXPECT_NE(open(), nullptr);
    EXPECT_EQ(notes_files(), 0U) << "it belonged to nobody";
}

TEST_F(CrashNotesTest, SayWhereTheyCannotBeWritten) {
    folder_.write("state", "a file");
    const auto notes = CrashNotes::open(folder_.path() / "state", "orders", 1, 1);

    ASSERT_FALSE(notes);
    EXPECT_EQ(notes.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(notes.error().message, "cannot write crash notes to " + folder_.path().string() +
                                         "/state/crash-notes/orders: Not a directory");
}

TEST(Identify, DependsOnQueueIdAndTheBeginningOfTheBody) {
    const auto identity = [](const char* id, const char* queue, const char* body = "same") {
        return identify(FakeDelivery({.id = id, .body = body, .queue = queue}));
    };
    EXPECT_EQ(identity("1", "orders"), identity("1", "orders"));
    EXPECT_NE(identity("1", "orders"), identity("1", "orders", "other"));
    EXPECT_NE(identity("1", "orders"), identity("2", "orders"));
    EXPECT_NE(identity("1", "orders"), identity("1", "invoices"));
    EXPECT_NE(identity("1", "orders"), 0U);
}

TEST(Identify, FallsBackToTheBody) {
    const auto identity = [](const char* body) {
        return identify(FakeDelivery({.id = "", .body = body}));
    };
    EXPECT_EQ(identity("a"), identity("a"));
    EXPECT_NE(identity("a"), identity("b"));
}

}  // namespace
}  // namespace rococo::svchost
