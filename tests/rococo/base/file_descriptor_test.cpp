// SPDX-License-Identifier: MIT
#include "rococo/base/file_descriptor.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

namespace rococo {
namespace {

bool is_open(int number) { return ::fcntl(number, F_GETFD) >= 0; }

FileDescriptor open_null() { return FileDescriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC)); }

TEST(FileDescriptor, ClosesItselfOnce) {
    int number = -1;
    {
        const FileDescriptor file = open_null();
        number = file.get();
        EXPECT_TRUE(file.is_open());
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(FileDescriptor, IsMovedAndNotCopied) {
    FileDescriptor first = open_null();
    const int number = first.get();
    FileDescriptor second(std::move(first));
    EXPECT_EQ(second.get(), number);
    FileDescriptor third;
    EXPECT_FALSE(third.is_open());
    third = std::move(second);
    EXPECT_EQ(third.get(), number);
    third = FileDescriptor();
    EXPECT_FALSE(is_open(number)) << "what was assigned over is closed";
}

TEST(FileDescriptor, SaysWhetherClosingWorked) {
    FileDescriptor file = open_null();
    EXPECT_TRUE(file.close());
    EXPECT_FALSE(file.is_open());
    EXPECT_TRUE(file.close()) << "nothing to close";
    FileDescriptor stranger(1 << 20);
    EXPECT_FALSE(stranger.close());
    EXPECT_EQ(errno, EBADF);
}

TEST(WriteAll, GoesOnUntilEverythingIsWritten) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const FileDescriptor from(ends[0]);
    FileDescriptor to(ends[1]);
    const std::string text(300'000, 'x');  // more than a pipe holds
    std::string got;
    std::jthread reader([&] {
        std::array<char, 4096> bytes{};
        for (ssize_t count = 0; (count = ::read(from.get(), bytes.data(), bytes.size())) > 0;)
            got.append(bytes.data(), static_cast<std::size_t>(count));
    });
    EXPECT_TRUE(write_all(to, text));
    to.close();
    reader.join();
    EXPECT_EQ(got, text);
}

TEST(WriteAll, SaysWhyItCannot) {
    const FileDescriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(full.is_open());
    EXPECT_FALSE(write_all(full, "x"));
    EXPECT_EQ(errno, ENOSPC);
    EXPECT_TRUE(write_all(full, ""));
}

}  // namespace
}  // namespace rococo
