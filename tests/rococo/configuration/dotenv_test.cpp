// SPDX-License-Identifier: MIT
#include "rococo/configuration/dotenv.hpp"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <map>
#include <string>

#include "temporary_folder.hpp"

namespace rococo {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::SizeIs;

std::map<std::string, std::string> values(std::string_view text) {
    const auto parsed = parse_dotenv(text, ".env");
    std::map<std::string, std::string> result;
    if (!parsed) {
        for (const Error& error : parsed.error()) ADD_FAILURE() << error.message;
        return result;
    }
    for (const DotenvEntry& entry : parsed->entries) result[entry.name] = entry.value;
    return result;
}

std::vector<std::string> errors(std::string_view text) {
    std::vector<std::string> messages;
    const auto parsed = parse_dotenv(text, ".env");
    if (parsed) return messages;
    for (const Error& error : parsed.error()) {
        EXPECT_EQ(error.kind, ErrorKind::configuration);
        messages.push_back(error.message);
    }
    return messages;
}

TEST(Dotenv, ReadsNamesAndValues) {
    EXPECT_THAT(values("A=1\nB_2=two words\n\n  C = x \nD=\nE"
                       "=last"),
                ElementsAre(Pair("A", "1"), Pair("B_2", "two words"), Pair("C", "x"), Pair("D", ""),
                            Pair("E", "last")));
    EXPECT_THAT(values(""), IsEmpty());
    EXPECT_THAT(values("\n\n# only a comment"), IsEmpty());
}

TEST(Dotenv, TakesWindowsLineEndsAndByteOrderMark) {
    EXPECT_THAT(values("\xEF\xBB\xBF"
                       "A=1\r\nB=\"2\"\r\n\r\n# c\r\nC='3'\r\nD=4\r"),
                ElementsAre(Pair("A", "1"), Pair("B", "2"), Pair("C", "3"), Pair("D", "4")));
    EXPECT_THAT(values("A=\"1\r\n2\"\r\n"), ElementsAre(Pair("A", "1\n2")));
}

TEST(Dotenv, SkipsExport) {
    EXPECT_THAT(
        values("export A=1\n  export\tB=2\nexport=3\nexport =4\nexported=5"),
        ElementsAre(Pair("A", "1"), Pair("B", "2"), Pair("export", "4"), Pair("exported", "5")));
}

TEST(Dotenv, KeepsEqualsSignsAndHashesInsideValues) {
    EXPECT_THAT(values("A=b=c==\nB=x#y\nC=x # y\nD= # only a comment\nE=\"x # y\" # z\nF=#\n"),
                ElementsAre(Pair("A", "b=c=="), Pair("B", "x#y"), Pair("C", "x"), Pair("D", ""),
                            Pair("E", "x # y"), Pair("F", "#")));
}

TEST(Dotenv, ReadsSingleQuotesAsTheyStand) {
    EXPECT_THAT(values(R"(A='a\n$B "c"  ')"), ElementsAre(Pair("A", R"(a\n$B "c"  )")));
    EXPECT_THAT(
        errors("A='open\nB=2"),
        ElementsAre(".env:1: the quote that opens the value of A is not closed on its line"));
}

TEST(Dotenv, ReadsEscapesInDoubleQuotes) {
    EXPECT_THAT(values(R"(A="1\n2\r\t\"\\\$\x ")"), ElementsAre(Pair("A", "1\n2\r\t\"\\$\\x ")));
}

TEST(Dotenv, ReadsDoubleQuotedValuesOverSeveralLines) {
    const auto parsed = parse_dotenv("A=\"one\ntwo\n\"\nB=3\n", ".env");
    ASSERT_TRUE(parsed);
    ASSERT_THAT(parsed->entries, SizeIs(2));
    EXPECT_EQ(parsed->entries[0].value, "one\ntwo\n");
    EXPECT_EQ(parsed->entries[0].line, 1U);
    EXPECT_EQ(parsed->entries[1].line, 4U);
}

TEST(Dotenv, LastOfDuplicatesCountsAndIsWarnedAbout) {
    const auto parsed = parse_dotenv("A=1\nB=2\nA=3\n", ".env");
    ASSERT_TRUE(parsed);
    ASSERT_THAT(parsed->entries, SizeIs(2));
    EXPECT_EQ(parsed->entries[0].value, "3");
    EXPECT_EQ(parsed->entries[0].line, 3U);
    EXPECT_THAT(parsed->warnings,
                ElementsAre(".env:3: A was already set in line 1; this value is used"));
}

TEST(Dotenv, WarnsOfReferencesThatAreNotExpanded) {
    const auto parsed =
        parse_dotenv("A=${HOME}/x\nB=\"${HOME}\"\nC='${HOME}'\nD=${\nE=$HOME ${}\n", ".env");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->entries[0].value, "${HOME}/x");
    EXPECT_THAT(parsed->warnings, ElementsAre(HasSubstr(".env:1: A"), HasSubstr(".env:2: B")));
}

TEST(Dotenv, NamesEveryWrongLine) {
    EXPECT_THAT(
        errors("A\n=1\n2=3\nB=1\nexport C\nD=\"x\" y\nE=\"x\"#y"),
        ElementsAre(".env:1: expected = after A, as in A=value",
                    ".env:2: expected NAME=value, but found no name made of letters, digits and _",
                    ".env:3: expected NAME=value, but found no name made of letters, digits and _",
                    ".env:5: expected = after C, as in C=value",
                    HasSubstr(".env:6: text after the closing quote of D"),
                    HasSubstr(".env:7: text after the closing quote of E")));
    EXPECT_THAT(errors("A=1\nB=\"open\nC=2\n"),
                ElementsAre(".env:2: the quote that opens the value of B is not closed"));
}

TEST(Dotenv, ErrorsDoNotShowValues) {
    for (const std::string& message : errors("A=\"s3cret\" s3cret\nB='s3cret\n")) {
        EXPECT_THAT(message, Not(HasSubstr("s3cret")));
    }
    EXPECT_THAT(errors("A=\"s3cret\" s3cret\nB='s3cret\n"), SizeIs(2));
}

TEST(Dotenv, RefusesWhatIsNoText) {
    EXPECT_THAT(errors(std::string_view("A=1\nB=\0\n", 8)),
                ElementsAre(".env:2: contains a NUL byte; is it a text file?"));
    EXPECT_THAT(errors("A=1\n\nB=\xC3\x28\n"), ElementsAre(".env:3: is not UTF-8 (byte 0xC3)"));
    EXPECT_THAT(errors("A=\xED\xA0\x80"), SizeIs(1)) << "a surrogate";
    EXPECT_THAT(errors("A=\xC0\x80"), SizeIs(1)) << "an overlong form";
    EXPECT_THAT(errors("A=\xF4\x90\x80\x80"), SizeIs(1)) << "past U+10FFFF";
    EXPECT_THAT(errors("A=\xE2\x82"), SizeIs(1)) << "cut off";
    EXPECT_THAT(errors(std::string_view("\xFF\xFE"
                                        "A\0=\0",
                                        6)),
                ElementsAre(".env:1: is UTF-16; save it as UTF-8"));
    EXPECT_THAT(values("A=ä€😀"), ElementsAre(Pair("A", "ä€😀")));
}

TEST(Dotenv, WarnsOfQuotesFromAWordProcessor) {
    const auto parsed = parse_dotenv("A=“dev_”\nB=’x’\nC=a “quoted” word\nD=\"“x”\"\n", ".env");
    ASSERT_TRUE(parsed);
    EXPECT_THAT(parsed->warnings,
                ElementsAre(HasSubstr(".env:1: A begins with a typographic quote"),
                            HasSubstr(".env:2: B begins with a")));
    EXPECT_EQ(parsed->entries.front().value, "“dev_”") << "it may be meant";
}

TEST(Dotenv, StopsAfterTwentyErrors) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "nonsense\n";
    EXPECT_THAT(errors(text), SizeIs(20));
}

std::string file_error(const std::filesystem::path& file) {
    const auto read = read_dotenv(file);
    if (read) return "no error";
    EXPECT_THAT(read.error(), SizeIs(1));
    return read.error().front().message;
}

TEST(DotenvFile, MayNotBeALinkToNothing) {
    const TemporaryFolder folder;
    std::filesystem::create_symlink("gone", folder.path() / ".env");
    EXPECT_THAT(file_error(folder.path() / ".env"),
                EndsWith("/.env: is a link to a file that does not exist"));
}

TEST(DotenvFile, IsNoneWhereThereIsNone) {
    const TemporaryFolder folder;
    const auto missing = read_dotenv(folder.path() / ".env");
    ASSERT_TRUE(missing);
    EXPECT_FALSE(missing->has_value());
    const auto under_file = read_dotenv(folder.write("file", "") / ".env");
    ASSERT_TRUE(under_file);
    EXPECT_FALSE(under_file->has_value());
}

TEST(DotenvFile, NamesFileAndLine) {
    const TemporaryFolder folder;
    const auto file = folder.write(".env", "A=1\nB\n");
    EXPECT_EQ(file_error(file), file.string() + ":2: expected = after B, as in B=value");
}

TEST(DotenvFile, RefusesFoldersFifosSocketsAndDevices) {
    const TemporaryFolder folder;
    const auto expected_error = [](const std::filesystem::path& path, std::string_view kind) {
        return path.string() + ": is " + std::string(kind) + "; expected a regular file";
    };
    EXPECT_EQ(file_error(folder.path()), expected_error(folder.path(), "a folder"));
    EXPECT_EQ(file_error("/dev/null"), expected_error("/dev/null", "a device"));

    const auto fifo = folder.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_EQ(file_error(fifo), expected_error(fifo, "a FIFO")) << "and does not block";

    const auto socket_path = folder.path() / "socket";
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(file_error(socket_path), expected_error(socket_path, "a socket"));
    ::close(socket);
}

TEST(DotenvFile, RefusesUnreadableFiles) {
    const TemporaryFolder folder;
    const auto file = folder.write(".env", "A=1\n");
    std::filesystem::permissions(file, std::filesystem::perms::none);
    // Root reads everything: read as nobody.
    constexpr uid_t kNobody = 65534;
    const uid_t before = ::geteuid();
    if (before == 0) {
        ASSERT_EQ(::seteuid(kNobody), 0);
    }
    const std::string message = file_error(file);
    if (before == 0) {
        ASSERT_EQ(::seteuid(before), 0);
    }
    EXPECT_EQ(message, file.string() + ": cannot be read: Permission denied");
}

TEST(DotenvFile, RefusesMoreThanOneMebibyte) {
    const TemporaryFolder folder;
    constexpr std::size_t kMebibyte = std::size_t{1024} * 1024;
    const auto fits = read_dotenv(folder.write("fits", "A=" + std::string(kMebibyte - 2, 'x')));
    ASSERT_TRUE(fits);
    EXPECT_EQ((*fits)->entries.front().value.size(), kMebibyte - 2);
    const auto file = folder.write("large", "A=" + std::string(kMebibyte - 1, 'x'));
    EXPECT_EQ(file_error(file), file.string() + ": is larger than 1 MiB; is it the right file?");
}

}  // namespace
}  // namespace rococo
