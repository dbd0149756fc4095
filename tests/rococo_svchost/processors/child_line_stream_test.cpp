// SPDX-License-Identifier: MIT
// How what a process writes is cut into lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "line_stream.hpp"
#include "pipes.hpp"

namespace rococo::svchost::child {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LineStreamTest : public testing::Test {
protected:
    void write(std::string_view text) const { ASSERT_TRUE(write_all(pipe_.theirs, text)); }
    bool read() {
        return stream_.read([this](std::string_view line) { lines_.emplace_back(line); });
    }
    std::vector<std::string> take() { return std::exchange(lines_, {}); }

    Connection pipe_ = pipe_from_them().value();
    LineStream stream_{pipe_.ours.get(), std::size_t{100} * 1024};
    std::vector<std::string> lines_;
};

TEST_F(LineStreamTest, ALineIsToldOnceItsEndHasCome) {
    write("one\n\ntw");
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), ElementsAre("one", ""));
    write("o\nthree");
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), ElementsAre("two"));
    pipe_.theirs.close();
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), ElementsAre("three"));
    EXPECT_FALSE(stream_.is_open());
}

TEST_F(LineStreamTest, WhatIsLeftWithoutAnEndIsToldAtTheLast) {
    write("half");
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), IsEmpty());
    stream_.finish([this](std::string_view line) { lines_.emplace_back(line); });
    EXPECT_THAT(take(), ElementsAre("half"));
}

TEST_F(LineStreamTest, ALongLineComesInParts) {
    write(std::string(LineStream::kLongestLine - 1, 'a'));
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), IsEmpty());
    write("ab\n");
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), ElementsAre(std::string(LineStream::kLongestLine, 'a'), "b"));
}

TEST_F(LineStreamTest, AnObjectMayBeLonger) {
    const std::string part(std::size_t{50} * 1024, 'a');
    write("{" + part);
    EXPECT_TRUE(read());
    write(part.substr(1));
    EXPECT_TRUE(read());
    EXPECT_THAT(take(), ElementsAre("{" + part + part.substr(1)));
}

}  // namespace
}  // namespace rococo::svchost::child
