// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <iostream>

#include "commands.hpp"
#include "commit.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/try.hpp"
#include "rococo/configuration/render.hpp"
#include "rococo_svchost/host/host.hpp"
#include "session.hpp"
#include "terminal.hpp"

namespace rococo::svchost::cli {

Result<int> run(const RunArguments& arguments) {
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_configuration(arguments.folder));
    if (arguments.once && configuration.errors().empty() &&
        configuration.text("EXECUTION_TYPE") != "CRON") {
        return failure(
            ErrorKind::usage,
            fmt::format("--once is for services that run on a schedule, but this one processes "
                        "messages (EXECUTION_TYPE={}, {}); to stop once its queue is empty, run "
                        "it with EXIT_WHEN_FINISHED=1",
                        configuration.text("EXECUTION_TYPE"),
                        configuration.find("EXECUTION_TYPE")->origin));
    }
    const auto log = make_log(configuration);
    return run_host(configuration, *log, {.once = arguments.once, .commit = kCommit});
}

Result<int> check(const std::filesystem::path& folder) {
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_configuration(folder));
    const auto log = make_log(configuration);
    return check_host(configuration, *log);
}

Result<int> config(const ConfigArguments& arguments) {
    if (arguments.markdown) {
        std::cout << render_markdown();
        return 0;
    }
    ROCOCO_ASSIGN_OR_RETURN(const auto configuration, load_configuration(arguments.folder));
    if (arguments.json) {
        std::cout << printable_json(render_json(configuration)) << '\n';
    } else {
        std::cout << render_text(configuration, arguments.all, table_width());
        for (const std::string& warning : configuration.warnings()) print_warning(warning);
    }
    for (const Error& error : configuration.errors()) print_error(error);
    return configuration.errors().empty() ? 0 : exit_code(ErrorKind::configuration);
}

}  // namespace rococo::svchost::cli
