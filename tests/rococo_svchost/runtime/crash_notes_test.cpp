// SPDX-License-Identifier: MIT
#include "rococo_svchost/runtime/crash_notes.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rococo/base/file_descriptor.hpp"
#include "support/fake_delivery.hpp"
#include "support/manual_clock.hpp"
#include "support/recorded_log.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost {
namespace {

using tests::FakeDelivery;
using tests::ManualClock;
using tests::RecordedLog;
using tests::TemporaryFolder;

class CrashNotesTest : public testing::Test {
protected:
    std::unique_ptr<CrashNotes> open(std::string_view queue = "orders", std::size_t workers = 2,
                                     std::size_t max_batch = 3) {
        auto notes =
            CrashNotes::open(folder_.path(), queue, {.workers = workers, .max_batch = max_batch},
                             clock_, log_.logger());
        EXPECT_TRUE(notes) << notes.error().message;
        return notes ? std::move(*notes) : nullptr;
    }

    /// A child process does this with notes of its own, and dies of SIGKILL, unless it does so
    /// before of something else; how it ended.
    int in_a_process_that_dies(const std::function<void(CrashNotes&)>& work) {
        const pid_t child = ::fork();
        if (child == 0) {
            const auto notes = CrashNotes::open(
                folder_.path(), "orders", {.workers = 2, .max_batch = 3}, clock_, log_.logger());
            if (!notes) ::_exit(1);
            work(**notes);
            ::raise(SIGKILL);
        }
        int status = 0;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        return status;
    }

    [[nodiscard]] std::size_t notes_files() const { return files_with(".notes"); }
    [[nodiscard]] std::size_t files_with(std::string_view extension) const {
        std::size_t count = 0;
        for (const auto& entry :
             std::filesystem::recursive_directory_iterator(folder_.path() / "crash-notes")) {
            count += entry.path().extension() == extension;
        }
        return count;
    }

    TemporaryFolder folder_;
    ManualClock clock_;
    RecordedLog log_;
};

void hold(CrashNotes& notes, std::size_t worker, std::vector<MessageIdentity> messages) {
    notes.begin(worker, messages);
}

TEST_F(CrashNotesTest, KnowNothingAtFirst) {
    const auto notes = open();
    EXPECT_EQ(notes->record(7).crashes, 0U);
}

TEST_F(CrashNotesTest, ChargeTheOnlyMessageInHandAndNothingThatWasDone) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {1, 2, 3});
        notes.end(0);
        hold(notes, 0, {4});
    });

    const auto notes = open();

    for (const MessageIdentity settled : {1U, 2U, 3U}) {
        EXPECT_EQ(notes->record(settled).crashes, 0U);
        EXPECT_FALSE(notes->record(settled).suspect);
    }
    EXPECT_EQ(notes->record(4).crashes, 1U);
    EXPECT_TRUE(notes->record(4).suspect);
    EXPECT_FALSE(notes->record(4).alone);
    EXPECT_EQ(notes_files(), 1U) << "the dead host's file is taken in";
}

/// Notes as the worker of a processor with a process of its own leaves them: three messages,
/// numbered from 8, of which the process had begun and done so many.
void hold_with_page(CrashNotes& notes, const std::filesystem::path& folder, std::uint64_t begun,
                    std::uint64_t done) {
    const FileDescriptor page(::open(folder.c_str(), O_TMPFILE | O_RDWR, 0600));
    const std::array<std::uint64_t, 8> words{begun, done, 0, 0, 0, 0, 0, 8};
    if (::write(page.get(), words.data(), sizeof words) != sizeof words) ::_exit(1);
    notes.keep_page(0, page.get());
    hold(notes, 0, {1, 2, 3});
}

TEST_F(CrashNotesTest, ChargeOnlyWhatAProcessorsProcessHadBegun) {
    in_a_process_that_dies([&](CrashNotes& notes) { hold_with_page(notes, folder_.path(), 9, 8); });
    const auto notes = open();
    EXPECT_EQ(notes->record(2).crashes, 1U);
    for (const MessageIdentity other : {1U, 3U}) {
        EXPECT_EQ(notes->record(other).crashes, 0U);
        EXPECT_FALSE(notes->record(other).suspect);
    }
    EXPECT_EQ(files_with(".page"), 0U) << "the dead host's page is taken in, too";
}

TEST_F(CrashNotesTest, ChargeNobodyWhereTheProcessWasBetweenMessages) {
    in_a_process_that_dies([&](CrashNotes& notes) { hold_with_page(notes, folder_.path(), 8, 8); });
    const auto notes = open();
    for (const MessageIdentity held : {1U, 2U, 3U}) EXPECT_FALSE(notes->record(held).suspect);
}

TEST_F(CrashNotesTest, LeaveNoPageBehindAnOrderlyEnd) {
    {
        const auto notes = open();
        hold_with_page(*notes, folder_.path(), 9, 8);
        EXPECT_EQ(files_with(".page"), 1U);
    }
    EXPECT_EQ(files_with(".page"), 0U);
}

TEST_F(CrashNotesTest, ChargeNobodyForADeathWithoutANameAmongSeveral) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {4});
        hold(notes, 1, {5, 6});
    });

    const auto notes = open();

    for (const MessageIdentity held : {4U, 5U, 6U}) {
        EXPECT_EQ(notes->record(held).crashes, 0U);
        EXPECT_TRUE(notes->record(held).alone) << "the next death names its culprit";
    }
    EXPECT_TRUE(log_.contains("while it processed 3 messages"))
        << testing::PrintToString(log_.lines());
}

TEST_F(CrashNotesTest, ChargeTheWorkerWhoseCrashItWas) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {4});
        hold(notes, 1, {5});
        notes.blame(1, SIGSEGV);
        notes.blame(0, SIGABRT);  // the first one counts
    });

    const auto notes = open();

    EXPECT_EQ(notes->record(4).crashes, 0U);
    EXPECT_FALSE(notes->record(4).suspect);
    EXPECT_EQ(notes->record(5).crashes, 1U);
    EXPECT_FALSE(notes->record(5).alone);
}

TEST_F(CrashNotesTest, SuspectABatchOfTheWorkerWhoseCrashItWas) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {4});
        hold(notes, 1, {5, 6});
        notes.blame(1, SIGSEGV);
    });

    const auto notes = open();

    EXPECT_FALSE(notes->record(4).suspect);
    for (const MessageIdentity held : {5U, 6U}) {
        EXPECT_EQ(notes->record(held).crashes, 0U);
        EXPECT_TRUE(notes->record(held).suspect);
        EXPECT_FALSE(notes->record(held).alone) << "named deaths need no solitude";
    }
}

TEST_F(CrashNotesTest, ChargeNobodyWhereTheHostWasEndingOnPurpose) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {4});
        notes.ending_on_purpose();
    });
    const auto notes = open();
    EXPECT_FALSE(notes->record(4).suspect);
}

TEST_F(CrashNotesTest, ChargeACrashInADrainAllTheSame) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {4});
        notes.ending_on_purpose();
        notes.blame(0, SIGSEGV);
    });
    EXPECT_EQ(open()->record(4).crashes, 1U);
}

TEST_F(CrashNotesTest, SayWhatThePreviousRunDiedOf) {
    in_a_process_that_dies([](CrashNotes& notes) {
        const FakeDelivery delivery({.id = "order-17"});
        const MessageIdentity identity = 4;
        const messaging::Delivery* const pointer = &delivery;
        notes.begin(1, std::span(&identity, 1), std::span(&pointer, 1));
        notes.blame(1, SIGSEGV);
    });
    open();
    ASSERT_EQ(log_.lines().size(), 1U);
    EXPECT_TRUE(log_.contains("WARNING: A previous run (pid "));
    EXPECT_TRUE(log_.contains(") was ended by SIGSEGV while worker 1 processed message order-17"));
}

TEST_F(CrashNotesTest, UnderstandTheFilesOfVersion100) {
    const std::array<MessageIdentity, 4> held{0, 4, 0, 5};
    folder_.write("crash-notes/orders/old.notes",
                  std::string(reinterpret_cast<const char*>(held.data()), sizeof held));
    folder_.write("crash-notes/orders/ledger", "7 3\n8 1\n");
    const auto notes = open();
    EXPECT_EQ(notes->record(7).crashes, 3U);
    EXPECT_EQ(notes->record(8).crashes, 1U);
    EXPECT_TRUE(notes->record(4).alone);
    EXPECT_TRUE(notes->record(5).alone);
    EXPECT_EQ(open()->record(7).crashes, 3U) << "as they are written now";
}

TEST_F(CrashNotesTest, ForgetWhatNeverCameBack) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {9}); });
    open();
    clock_.advance(std::chrono::days(13));
    EXPECT_EQ(open()->record(9).crashes, 1U);
    clock_.advance(std::chrono::days(2));
    EXPECT_EQ(open()->record(9).crashes, 0U);
}

TEST_F(CrashNotesTest, KeepALedgerOfBoundedSize) {
    std::string lines;
    for (int i = 1; i <= 20'000; ++i) {
        lines += std::to_string(i) + " 1 0 " + std::to_string(1'699'000'000 + i) + "\n";
    }
    folder_.write("crash-notes/orders/ledger", lines);
    const auto notes = open();
    EXPECT_EQ(notes->record(10'000).crashes, 0U) << "the oldest go";
    EXPECT_EQ(notes->record(10'001).crashes, 1U);
}

TEST_F(CrashNotesTest, AreNobodyElsesToRead) {
    namespace fs = std::filesystem;
    folder_.write("crash-notes/orders/lock", "");  // as version 1.0.0 made it
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {9}); });
    const auto notes = open();
    EXPECT_EQ(fs::status(folder_.path() / "crash-notes").permissions(), fs::perms::owner_all);
    const auto own = folder_.path() / "crash-notes" / "orders";
    EXPECT_EQ(fs::status(own).permissions(), fs::perms::owner_all);
    for (const auto& entry : fs::directory_iterator(own)) {
        EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
            << entry.path();
    }
}

TEST_F(CrashNotesTest, DoNotWaitForeverForALockThatSomebodyHolds) {
    folder_.write("crash-notes/orders/lock", "");
    const auto path = folder_.path() / "crash-notes" / "orders" / "lock";
    const int held = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(held, LOCK_EX), 0);
    const auto notes = CrashNotes::open(folder_.path(), "orders", {}, clock_, log_.logger());
    ::close(held);
    ASSERT_FALSE(notes);
    EXPECT_EQ(notes.error().message,
              "cannot write crash notes to " + path.string() + ": another process keeps it locked");
}

TEST_F(CrashNotesTest, OfADeadHostAreFoundThoughAChildThatItForkedLives) {
    // It would keep the lock, and the dead would look alive for as long as the child is.
    std::array<int, 2> ends{};
    std::array<int, 2> begun{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    ASSERT_EQ(::pipe2(begun.data(), O_CLOEXEC), 0);
    in_a_process_that_dies([&](CrashNotes& notes) {
        hold(notes, 0, {9});
        char byte = 0;
        if (::fork() == 0) {
            ::close(ends[1]);
            [[maybe_unused]] const auto told = ::write(begun[1], "x", 1);
            [[maybe_unused]] const auto bytes = ::read(ends[0], &byte, 1);  // until the test ends
            ::_exit(0);
        }
        // It lives, and has closed the lock, before its parent dies.
        [[maybe_unused]] const auto heard = ::read(begun[0], &byte, 1);
    });
    EXPECT_EQ(open()->record(9).crashes, 1U);
    for (const int end : {ends[0], ends[1], begun[0], begun[1]}) ::close(end);
}

TEST_F(CrashNotesTest, AddUpOverSeveralDeaths) {
    for (int death = 1; death <= 3; ++death) {
        in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {9}); });
    }
    EXPECT_EQ(open()->record(9).crashes, 3U);
}

TEST_F(CrashNotesTest, LeaveALiveHostAlone) {
    const auto living = open();
    hold(*living, 0, {1});

    const auto other = open();
    EXPECT_EQ(other->record(1).crashes, 0U);
    other->take_in_the_dead();
    EXPECT_EQ(other->record(1).crashes, 0U);
    EXPECT_EQ(notes_files(), 2U);
}

TEST_F(CrashNotesTest, SeeADeathThatHappensLater) {
    const auto notes = open();
    in_a_process_that_dies([](CrashNotes& dying) { hold(dying, 1, {8}); });

    EXPECT_EQ(notes->record(8).crashes, 0U);
    notes->take_in_the_dead();
    EXPECT_EQ(notes->record(8).crashes, 1U);
}

TEST_F(CrashNotesTest, AreKeptInTheLedgerWhoeverTookThemIn) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {8}); });
    open();  // takes them in and ends

    EXPECT_EQ(open()->record(8).crashes, 1U);
}

TEST_F(CrashNotesTest, ForgetAMessageForAllHosts) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {8}); });
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {9}); });
    const auto notes = open();
    notes->forget(8);

    EXPECT_EQ(notes->record(8).crashes, 0U);
    EXPECT_EQ(notes->record(9).crashes, 1U);
    const auto other = open();
    EXPECT_EQ(other->record(8).crashes, 0U);
    EXPECT_EQ(other->record(9).crashes, 1U);
}

TEST_F(CrashNotesTest, LeaveNothingBehindAnOrderlyEnd) {
    {
        const auto notes = open();
        hold(*notes, 0, {1});
    }
    EXPECT_EQ(notes_files(), 0U);
    EXPECT_EQ(open()->record(1).crashes, 0U);
}

TEST_F(CrashNotesTest, AreWithdrawnBeforeAHostEndsOnPurpose) {
    in_a_process_that_dies([](CrashNotes& notes) {
        hold(notes, 0, {1});
        notes.discard();
    });
    EXPECT_EQ(open()->record(1).crashes, 0U);
}

TEST_F(CrashNotesTest, AreKeptForEachQueueByItself) {
    in_a_process_that_dies([](CrashNotes& notes) { hold(notes, 0, {1}); });
    EXPECT_EQ(open("invoices")->record(1).crashes, 0U);
    EXPECT_EQ(open("orders")->record(1).crashes, 1U);
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
    EXPECT_EQ(notes->record(1).crashes, 0U);
}

TEST_F(CrashNotesTest, SurviveANotesFileThatWasCutOff) {
    folder_.write("crash-notes/orders/broken.notes", "12345");
    EXPECT_NE(open(), nullptr);
    EXPECT_EQ(notes_files(), 0U) << "it belonged to nobody";
}

TEST_F(CrashNotesTest, SayWhereTheyCannotBeWritten) {
    folder_.write("state", "a file");
    const auto notes =
        CrashNotes::open(folder_.path() / "state", "orders", {}, clock_, log_.logger());

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
