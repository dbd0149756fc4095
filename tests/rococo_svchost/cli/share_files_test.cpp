// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "command_line.hpp"
#include "support/temporary_folder.hpp"

namespace rococo::svchost::cli {
namespace {

std::string contents(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ShareFiles, AManPageForEachCommandAndTheScriptsWhereShellsLook) {
    const tests::TemporaryFolder folder;
    const CommandLine line;
    ASSERT_EQ(write_share_files(line, folder.path()), 0);
    for (const CLI::App* command : commands_of(line.app())) {
        const std::string name = "svchost-" + command->get_name() + ".1";
        EXPECT_NE(contents(folder.path() / "man/man1" / name).find(".SH NAME"), std::string::npos)
            << name;
    }
    EXPECT_NE(contents(folder.path() / "man/man1/svchost.1").find(".SH EXIT STATUS"),
              std::string::npos);
    EXPECT_EQ(contents(folder.path() / "bash-completion/completions/svchost"),
              completion_script("bash"));
    EXPECT_EQ(contents(folder.path() / "zsh/vendor-completions/_svchost"),
              completion_script("zsh"));
    EXPECT_EQ(contents(folder.path() / "zsh/site-functions/_svchost"), completion_script("zsh"));
    EXPECT_EQ(contents(folder.path() / "fish/vendor_completions.d/svchost.fish"),
              completion_script("fish"));
}

TEST(ShareFiles, WritesTheOthersAndFailsWhereOneCannotBeWritten) {
    const tests::TemporaryFolder folder;
    folder.write("man", "a file where a folder should be");
    testing::internal::CaptureStderr();
    EXPECT_EQ(write_share_files(CommandLine(), folder.path()), 69);
    const std::string printed = testing::internal::GetCapturedStderr();
    EXPECT_NE(printed.find("cannot write " + (folder.path() / "man/man1/svchost.1").string()),
              std::string::npos)
        << printed;
    EXPECT_EQ(contents(folder.path() / "bash-completion/completions/svchost"),
              completion_script("bash"));
}

}  // namespace
}  // namespace rococo::svchost::cli
