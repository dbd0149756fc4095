// SPDX-License-Identifier: MIT
#include <algorithm>

#include "command_line.hpp"
#include "commit.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

namespace fs = std::filesystem;

bool write(const fs::path& path, std::string_view text) {
    const auto written = write_file(path, text);
    if (!written) print_error(written.error());
    return written.has_value();
}

}  // namespace

int write_share_files(const CommandLine& line, const fs::path& folder) {
    std::vector<const CLI::App*> commands = commands_of(line.app());
    commands.push_back(&line.app());
    bool written = true;
    for (const CLI::App* command : commands) {
        std::string name = full_name(*command);
        std::replace(name.begin(), name.end(), ' ', '-');
        written = write(folder / "man/man1" / (name + ".1"),
                        man_page(*command, line.pages(), kCommitDate)) &&
                  written;
    }
    // Debian's zsh searches vendor-completions; a zsh built from source searches site-functions.
    for (const auto& [path, shell] : {std::pair("bash-completion/completions/svchost", "bash"),
                                      std::pair("zsh/vendor-completions/_svchost", "zsh"),
                                      std::pair("zsh/site-functions/_svchost", "zsh"),
                                      std::pair("fish/vendor_completions.d/svchost.fish", "fish")})
        written = write(folder / path, completion_script(shell)) && written;
    return written ? 0 : exit_code(ErrorKind::unavailable);
}

}  // namespace rococo::svchost::cli
