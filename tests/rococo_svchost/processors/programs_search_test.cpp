// SPDX-License-Identifier: MIT
// Which program PROCESSOR_COMMAND means, and what is wrong with one that cannot run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "program_search.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost::programs {
namespace {

using testing::AllOf;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ProgramSearchTest : public testing::Test {
protected:
    void write(const std::string& name, std::string_view text, bool executable = true) const {
        const fs::path path = folder_.write(name, text);
        if (executable) fs::permissions(path, fs::perms::owner_all);
    }
    std::string refusal(const std::string& command, ErrorKind kind = ErrorKind::service) const {
        const auto found = find_program(folder_.path(), command);
        EXPECT_FALSE(found) << command;
        if (found) return "";
        EXPECT_EQ(found.error().kind, kind) << command;
        EXPECT_THAT(found.error().message, HasSubstr("PROCESSOR_COMMAND=" + command));
        return found.error().message;
    }

    tests::TemporaryFolder folder_;
};

TEST_F(ProgramSearchTest, APathIsRelativeToTheServicesFolder) {
    write("bin/mail.sh", "#!/bin/sh\n");
    const auto found = find_program(folder_.path(), "bin/mail.sh 'a b'");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->path, folder_.path() / "bin/mail.sh");
    EXPECT_EQ(found->arguments, (std::vector<std::string>{"bin/mail.sh", "a b"}));
}

TEST_F(ProgramSearchTest, ANameIsLookedForInPath) {
    const auto found = find_program(folder_.path(), "cat");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->path.filename(), "cat");
    EXPECT_TRUE(found->path.is_absolute());
}

TEST_F(ProgramSearchTest, AMissingProgramIsNamed) {
    EXPECT_THAT(refusal("./nothing.sh"),
                HasSubstr("there is no " + (folder_.path() / "./nothing.sh").string()));
    EXPECT_THAT(refusal("no-such-program"), HasSubstr("there is no no-such-program in PATH"));
    write("here.sh", "#!/bin/sh\n");
    EXPECT_THAT(refusal("here.sh"), HasSubstr("write ./here.sh"));
}

TEST_F(ProgramSearchTest, WhatCannotBeExecutedIsToldWithItsRemedy) {
    write("plain.sh", "#!/bin/sh\n", false);
    EXPECT_THAT(refusal("./plain.sh"), HasSubstr("chmod +x ./plain.sh"));
    EXPECT_THAT(refusal("./"), HasSubstr("is no file"));
    write("bare.sh", "echo hello\n");
    EXPECT_THAT(refusal("./bare.sh"), HasSubstr("without a first line such as #!/bin/sh"));
    write("empty.sh", "");
    EXPECT_THAT(refusal("./empty.sh"), HasSubstr("without a first line such as #!/bin/sh"));
    write("nowhere.sh", "#! /nowhere/node --flag\n");
    EXPECT_THAT(refusal("./nowhere.sh"), HasSubstr("names /nowhere/node, which is no program"));
    write("windows.sh", "#!/bin/sh\r\n");
    EXPECT_THAT(refusal("./windows.sh"),
                AllOf(HasSubstr("/bin/sh\\r"), HasSubstr("end as on Windows")));
}

TEST_F(ProgramSearchTest, WhatIsNoTextIsLeftToTheSystem) {
    write("strange", "\x01\x02\x03");
    EXPECT_TRUE(find_program(folder_.path(), "./strange"));
}

TEST_F(ProgramSearchTest, ACommandThatCannotBeReadIsAWrongConfiguration) {
    EXPECT_THAT(refusal("'a", ErrorKind::configuration), HasSubstr("single quote has no end"));
    EXPECT_THAT(refusal("''", ErrorKind::configuration), HasSubstr("it names no program"));
    EXPECT_THAT(refusal("", ErrorKind::configuration), HasSubstr("it names no program"));
}

TEST_F(ProgramSearchTest, TheFoldersNameMakesTheProcessorsType) {
    const auto type_of = [&](const char* name) { return processor_type_of(folder_.path() / name); };
    EXPECT_EQ(type_of("order-mailer"), "OrderMailerServiceProcessor");
    EXPECT_EQ(type_of("order_mailer.v2"), "OrderMailerV2ServiceProcessor");
    EXPECT_EQ(type_of("orders"), "OrdersServiceProcessor");
    EXPECT_EQ(type_of("orders/."), "OrdersServiceProcessor");
    EXPECT_EQ(type_of("2fa"), "");
    EXPECT_EQ(processor_type_of("/"), "");
}

}  // namespace
}  // namespace rococo::svchost::programs
