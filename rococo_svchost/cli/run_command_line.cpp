// SPDX-License-Identifier: MIT
#include "run_command_line.hpp"

#include <algorithm>

#include "command_line.hpp"
#include "rococo_svchost/host/init.hpp"
#include "rococo_svchost/processors/library_worker.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

namespace {

/// `svchost` and `svchost DIR` mean `svchost run`; `svchost help send` means `svchost send --help`.
void add_what_is_left_out(std::vector<std::string>& words, const CLI::App& app) {
    if (!words.empty() && words[0] == "help") {
        words.erase(words.begin());
        words.emplace_back("--help");
    }
    const bool named = !words.empty() && (find_command(app, words[0]) != nullptr ||
                                          app.get_option_no_throw(words[0]) != nullptr);
    if (!named) words.insert(words.begin(), "run");
}

}  // namespace

int run_command_line(std::vector<std::string> words) {
    CommandLine line;
    if (!words.empty() && words[0] == "__complete")
        return complete(line, {words.begin() + 1, words.end()});
    if (words.size() == 2 && words[0] == "__share") return write_share_files(line, words[1]);
    if (words.size() == 2 && words[0] == kWorkerCommand) return run_library_worker(words[1]);
    // For images, not for people: it is in docs/DOCKER.md, and a folder may have its name.
    if (words.size() > 2 && words[0] == "init" && words[1] == "--")
        return run_as_init({words.begin() + 2, words.end()});
    const bool asks_for_help = !words.empty() && words[0] == "help";
    const std::vector<std::string> named(words.begin() + (asks_for_help ? 1 : 0), words.end());
    if (const std::string problem = stray_word(named, line.app()); !problem.empty())
        return print_error({ErrorKind::usage, problem});
    add_what_is_left_out(words, line.app());
    std::reverse(words.begin(), words.end());  // CLI11 expects them in reverse
    try {
        line.app().parse(std::move(words));
    } catch (const CLI::Success& wanted) {  // --help or --version
        return line.app().exit(wanted);
    } catch (const CLI::ParseError& error) {  // the text repeats user input
        return print_error({ErrorKind::usage, explain(line, error)});
    }
    const auto code = line.execute();
    return code ? *code : print_error(code.error());
}

}  // namespace rococo::svchost::cli
