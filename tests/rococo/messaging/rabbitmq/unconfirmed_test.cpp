// SPDX-License-Identifier: MIT
#include "unconfirmed.hpp"

#include <gmock/gmock.h>

#include "amqp_failure.hpp"

namespace rococo::messaging {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NamedPublication final : public Publication {
public:
    NamedPublication(const std::string& queue_name, const std::string& id) {
        queue.name = queue_name;
        message = std::make_unique<MessageCopy>("body");
        message->set_properties({}, id, {});
    }
    [[nodiscard]] bool wanted() const override { return true; }
    void confirmed() override {}
    [[nodiscard]] bool failed(const Error& /*error*/) override { return true; }
};

class UnconfirmedTest : public testing::Test {
protected:
    void add(const std::string& queue, const std::string& id = {}) {
        unconfirmed_.add(std::make_unique<NamedPublication>(queue, id), 0);
    }
    void give_back(const std::string& queue, const std::string& id, std::uint64_t bytes = 0) {
        amqp_basic_properties_t properties{};
        if (!id.empty()) properties._flags = AMQP_BASIC_MESSAGE_ID_FLAG;
        properties.message_id = bytes_of(id);
        unconfirmed_.return_begins(queue);
        unconfirmed_.return_header(properties, bytes);
    }
    static std::vector<std::string> queues(const std::vector<Unconfirmed::Entry>& entries) {
        std::vector<std::string> queues;
        for (const auto& entry : entries)
            queues.push_back(entry.publication->queue.name + (entry.returned ? "!" : ""));
        return queues;
    }

    Unconfirmed unconfirmed_;
};

TEST_F(UnconfirmedTest, AConfirmIsAboutOneOrAboutAllUpToIt) {
    for (const auto* queue : {"a", "b", "c", "d"}) add(queue);
    EXPECT_THAT(queues(unconfirmed_.take(2, false)), ElementsAre("b"));
    EXPECT_THAT(queues(unconfirmed_.take(3, true)), ElementsAre("a", "c"));
    EXPECT_EQ(unconfirmed_.size(), 1U);
    EXPECT_THAT(queues(unconfirmed_.take(4, false)), ElementsAre("d"));
    EXPECT_TRUE(unconfirmed_.empty());
}

TEST_F(UnconfirmedTest, NumbersThatNobodyGaveAreNotBelieved) {
    add("a");
    EXPECT_THAT(unconfirmed_.take(0, true), IsEmpty());
    EXPECT_THAT(unconfirmed_.take(2, true), IsEmpty());
    EXPECT_THAT(queues(unconfirmed_.take(1, true)), ElementsAre("a"));
    EXPECT_THAT(unconfirmed_.take(1, false), IsEmpty());
}

TEST_F(UnconfirmedTest, ALostChannelGivesBackTheRestInOrderAndNumbersBeginAnew) {
    for (const auto* queue : {"a", "b", "c"}) add(queue);
    (void)unconfirmed_.take(2, false);
    EXPECT_THAT(queues(unconfirmed_.take_all()), ElementsAre("a", "c"));
    add("d");
    EXPECT_THAT(queues(unconfirmed_.take(1, false)), ElementsAre("d"));
}

TEST_F(UnconfirmedTest, AReturnIsFoundByQueueAndId) {
    add("a", "1");
    add("b", "1");
    add("a", "2");
    add("a");
    give_back("a", "2");
    give_back("a", "");
    EXPECT_THAT(queues(unconfirmed_.take(4, true)), ElementsAre("a", "b", "a!", "a!"));
}

TEST_F(UnconfirmedTest, TheBodyOfAReturnIsNotTakenForAnother) {
    add("a", "1");
    add("b", "1");
    give_back("a", "1", 10);
    unconfirmed_.return_body(4);
    unconfirmed_.return_body(6);
    // No return: a header that nothing announced.
    unconfirmed_.return_header({}, 0);
    EXPECT_THAT(queues(unconfirmed_.take(2, true)), ElementsAre("a!", "b"));
}

}  // namespace
}  // namespace rococo::messaging
