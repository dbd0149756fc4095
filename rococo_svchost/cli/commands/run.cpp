// SPDX-License-Identifier: MIT
#include <iostream>
#include <system_error>

#include "commands.hpp"
#include "rococo/configuration/render.hpp"
#include "rococo_svchost/host/host.hpp"

namespace rococo::svchost::cli {

namespace {

Result<Configuration> load(const std::filesystem::path& folder) {
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error)) {
        return failure(ErrorKind::usage, "there is no folder " + folder.string());
    }
    return Configuration::load(process_environment(), folder);
}

}  // namespace

int complain(const Error& error) {
    std::cerr << "svchost: " << error.message << '\n';
    return exit_code(error.kind);
}

int run(const RunArguments& arguments) {
    const auto configuration = load(arguments.folder);
    if (!configuration) return complain(configuration.error());
    const auto log = make_log(*configuration);
    return run_host(*configuration, *log, {.once = arguments.once, .wrap_adapter = {}});
}

int check(const std::filesystem::path& folder) {
    const auto configuration = load(folder);
    if (!configuration) return complain(configuration.error());
    const auto log = make_log(*configuration);
    return check_host(*configuration, *log);
}

int config(const ConfigArguments& arguments) {
    if (arguments.markdown) {
        std::cout << render_markdown();
        return 0;
    }
    const auto configuration = load(arguments.folder);
    if (!configuration) return complain(configuration.error());
    if (arguments.json) {
        std::cout << render_json(*configuration) << '\n';
    } else {
        std::cout << render_text(*configuration, arguments.all);
        for (const std::string& warning : configuration->warnings()) {
            std::cerr << "svchost: warning: " << warning << '\n';
        }
    }
    for (const Error& error : configuration->errors()) complain(error);
    return configuration->errors().empty() ? 0 : exit_code(ErrorKind::configuration);
}

}  // namespace rococo::svchost::cli
