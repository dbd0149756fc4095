// SPDX-License-Identifier: MIT
// What an operator does with dead letters.
#include <tuple>

#include "contract_test.hpp"

namespace rococo::messaging::contract {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

/// A store's only letter.
DeadLetter only_letter(DeadLetterStore& store) {
    const auto letters = store.list(10);
    if (!letters || letters->size() != 1) throw std::runtime_error("not one letter");
    return letters->front();
}

void give_up(Reader& reader, std::size_t messages) {
    reader.settle_all(reader.take(messages), Verdict::dead_letter);
    reader.settle_down();
}

bool has_header(const Delivery& delivery, std::string_view name, std::string_view value) {
    return std::any_of(delivery.headers.begin(), delivery.headers.end(), [&](const auto& header) {
        return header.name == name && header.value == value;
    });
}

TEST_P(DeadLetterTest, ASummaryHasAllButWhatMayBeLarge) {
    OutgoingMessage message;
    message.id = "the-id";
    message.body = std::string(100'000, 'b') + "\xc3\xa4";  // bytes count, not characters
    message.content_type = "text/plain";
    message.headers = {{"colour", "red"}};
    send(message);
    const auto reader = opened();
    reader->settle(reader->take_one(), Verdict::dead_letter, 0ms, 3);
    reader->settle_down();
    const auto store = queue().dead_letters();
    const auto whole = only_letter(*store);
    EXPECT_EQ(whole.body, message.body);
    EXPECT_THAT(whole.headers, Contains(Pair("colour", "red")));

    const auto summaries = store->summaries(10).value();
    ASSERT_THAT(summaries, SizeIs(1));
    const auto& summary = summaries.front();
    EXPECT_THAT(summary.body, IsEmpty());
    EXPECT_THAT(summary.headers, IsEmpty());
    EXPECT_THAT(summary.properties, IsEmpty());
    EXPECT_EQ(summary.body_bytes, 100'002U);
    EXPECT_EQ(whole.body_bytes, 100'002U);
    const auto rest = [](const DeadLetter& letter) {
        return std::tie(letter.id, letter.message, letter.original_queue, letter.reason,
                        letter.error, letter.attempts, letter.first_failed_at,
                        letter.last_failed_at, letter.content_type);
    };
    EXPECT_EQ(rest(summary), rest(whole));
}

TEST_P(DeadLetterTest, SummariesAreThoseOfTheOldest) {
    send(3);
    const auto reader = opened();
    give_up(*reader, 3);
    const auto store = queue().dead_letters();
    EXPECT_THAT(store->summaries(2).value(), SizeIs(2));
    EXPECT_THAT(store->summaries(0).value(), IsEmpty());
    const auto all = store->summaries(10).value();
    const auto letters = store->list(10).value();
    ASSERT_EQ(all.size(), letters.size());
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].id, letters[i].id);
}

TEST_P(DeadLetterTest, AnEditedLetterComesAsANewMessageThatWasNeverTried) {
    OutgoingMessage message;
    message.id = "the-id";
    message.body = "broken";
    message.correlation_id = "the correlation";
    message.headers = {{"colour", "red"}};
    send(message);
    const auto reader = opened();
    auto first = reader->take_one();
    const auto first_sent_at = first->sent_at;
    reader->settle(std::move(first), Verdict::dead_letter, 0ms, 3);
    reader->settle_down();
    const auto store = queue().dead_letters();
    const auto letter = only_letter(*store);

    const auto new_id = store->edit_and_requeue("the-id", "mended");
    ASSERT_TRUE(new_id) << new_id.error().message;
    EXPECT_EQ(store->count().value(), 0U);
    auto again = reader->take_one();
    EXPECT_EQ(again->body, "mended");
    EXPECT_EQ(again->id, *new_id);
    EXPECT_NE(again->id, "the-id");
    EXPECT_EQ(again->attempt, 1U);
    EXPECT_EQ(again->queue, queue().name());
    EXPECT_EQ(again->correlation_id, "the correlation");
    EXPECT_GT(again->sent_at, first_sent_at);
    EXPECT_TRUE(has_header(*again, "colour", "red"));
    for (const auto& header : again->headers)
        EXPECT_THAT(std::string(header.name), Not(testing::StartsWith("x-rococo-")));

    reader->settle(std::move(again), Verdict::dead_letter);
    reader->settle_down();
    const auto edited = only_letter(*store);
    EXPECT_EQ(edited.body, "mended");
    EXPECT_THAT(edited.properties, Contains(Pair("edited_from", letter.id)));
}

TEST_P(DeadLetterTest, AnEditedBodyMayBeAnyBytes) {
    send(1);
    const auto reader = opened();
    give_up(*reader, 1);
    const std::string bytes("\0\xff\n", 3);
    ASSERT_TRUE(queue().dead_letters()->edit_and_requeue("1", bytes));
    EXPECT_EQ(reader->take_one()->body, bytes);
}

TEST_P(DeadLetterTest, ALetterThatWasEditedCanBeEditedAgain) {
    send(1);
    const auto reader = opened();
    give_up(*reader, 1);
    const auto store = queue().dead_letters();
    ASSERT_TRUE(store->edit_and_requeue("1", std::string("\xff", 1)));
    give_up(*reader, 1);
    const auto second = only_letter(*store);
    const auto new_id = store->edit_and_requeue(second.id, "text");
    ASSERT_TRUE(new_id) << new_id.error().message;
    give_up(*reader, 1);
    const auto third = only_letter(*store);
    EXPECT_EQ(third.body, "text");
    EXPECT_THAT(third.properties, Contains(Pair("edited_from", second.id)));
    EXPECT_THAT(third.properties, SizeIs(1));
}

TEST_P(DeadLetterTest, EditingOneLeavesTheOthersAlone) {
    send(3);
    const auto reader = opened();
    give_up(*reader, 3);
    const auto store = queue().dead_letters();
    ASSERT_TRUE(store->edit_and_requeue("2", "mended"));
    EXPECT_EQ(reader->take_one()->body, "mended");
    std::multiset<std::string> left;
    const auto letters = store->list(10).value();
    for (const auto& letter : letters) left.insert(letter.body);
    EXPECT_EQ(left, (std::multiset<std::string>{"1", "3"}));
}

TEST_P(DeadLetterTest, ALetterThatIsNotThereCannotBeEdited) {
    send(1);
    const auto reader = opened();
    give_up(*reader, 1);
    const auto store = queue().dead_letters();
    const auto edited = store->edit_and_requeue("2", "mended");
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error().kind, ErrorKind::usage);
    EXPECT_THAT(edited.error().message, testing::HasSubstr("2"));
    EXPECT_EQ(store->count().value(), 1U);
    reader->quiet();
    EXPECT_THAT(reader->in_hand, IsEmpty());
}

TEST_P(DeadLetterTest, RequeueingThoseThatWereShownLeavesALaterOneAlone) {
    send(2);
    const auto reader = opened();
    give_up(*reader, 2);
    const auto store = queue().dead_letters();
    std::vector<std::string> shown;
    const auto letters = store->list(10).value();
    for (const auto& letter : letters) shown.push_back(letter.id);

    OutgoingMessage late;
    late.id = late.body = "late";
    send(late);
    give_up(*reader, 1);
    EXPECT_EQ(store->requeue(shown).value(), 2U);
    EXPECT_THAT(bodies(reader->take(2)), testing::ElementsAre("1", "2"));
    EXPECT_EQ(only_letter(*store).body, "late");
}

TEST_P(DeadLetterTest, RetriesAndRequeuedLettersKeepTheTimeOfTheFirstSend) {
    using std::chrono::floor;
    using std::chrono::milliseconds;
    const RealClock clock;
    const auto before = floor<milliseconds>(clock.now());
    send(1);
    const auto after = clock.now();
    const auto reader = opened();
    auto delivery = reader->take_one();
    const auto sent_at = delivery->sent_at;
    EXPECT_GE(sent_at, before);
    EXPECT_LE(sent_at, after);
    reader->settle(std::move(delivery), Verdict::retry, 1s);
    delivery = reader->take_one();
    EXPECT_EQ(delivery->sent_at, sent_at) << "a retry";
    reader->settle(std::move(delivery), Verdict::dead_letter);
    reader->settle_down();
    ASSERT_EQ(queue().dead_letters()->requeue({}).value(), 1U);
    delivery = reader->take_one();
    EXPECT_EQ(delivery->sent_at, sent_at) << "requeued";
    for (const auto& header : delivery->headers)
        EXPECT_THAT(std::string(header.name), Not(testing::StartsWith("x-rococo-")));
    reader->settle(std::move(delivery), Verdict::dead_letter);
    reader->settle_down();
    ASSERT_EQ(queue().dead_letters()->requeue({}).value(), 1U);
    EXPECT_EQ(reader->take_one()->sent_at, sent_at) << "requeued again";
}

}  // namespace
}  // namespace rococo::messaging::contract
