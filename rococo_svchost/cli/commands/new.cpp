// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <system_error>
#include <utility>

#include "commands.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "rococo_svchost/host/host.hpp"
#include "scaffold.hpp"
#include "session.hpp"

namespace rococo::svchost::cli {

namespace {

namespace fs = std::filesystem;

// The names of targets that every project has (CMake policy CMP0037), and of the scaffold's test.
constexpr std::array<std::string_view, 9> kTaken{
    "all",        "clean",          "edit_cache",    "help", "install",
    "preinstall", "processor_test", "rebuild_cache", "test"};

// Words of the language, and the folder of the scaffold's test.
constexpr auto kPythonsWords = std::to_array<std::string_view>(
    {"and",    "as",   "assert", "async",  "await",  "break",          "class",    "continue",
     "def",    "del",  "elif",   "else",   "except", "finally",        "for",      "from",
     "global", "if",   "import", "in",     "is",     "lambda",         "nonlocal", "not",
     "or",     "pass", "raise",  "return", "rococo", "rococo_svchost", "tests",    "try",
     "while",  "with", "yield"});

bool is_package_name(std::string_view name) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    return name.find_first_not_of(kAllowed) == std::string_view::npos && !name.empty() &&
           is_letter(name.front());
}

/// `OrderMail` from `order_mail`.
std::string camel_case(std::string_view name) {
    std::string result;
    bool upper = true;
    for (const char c : name) {
        if (c == '_') {
            upper = true;
        } else {
            result += upper ? static_cast<char>(std::toupper(c)) : c;
            upper = false;
        }
    }
    return result;
}

std::string filled_in(std::string_view text, const std::string& name) {
    std::string result(text);
    const auto values = std::to_array<std::pair<std::string_view, std::string>>(
        {{"@name@", name}, {"@Name@", camel_case(name)}, {"@version@", version()}});
    for (const auto& [mark, value] : values) {
        for (std::size_t at = 0; (at = result.find(mark, at)) != std::string::npos;
             at += value.size()) {
            result.replace(at, mark.size(), value);
        }
    }
    return result;
}

std::span<const ScaffoldFile> scaffold(const NewArguments& arguments) {
    if (arguments.python) return arguments.cron ? python_cron_scaffold() : python_scaffold();
    if (arguments.command) return arguments.cron ? command_cron_scaffold() : command_scaffold();
    if (arguments.node) return node_scaffold();
    return arguments.cron ? cron_scaffold() : messaging_scaffold();
}

/// Whether it is CMake's to build.
bool is_built(const NewArguments& arguments) {
    return !arguments.python && !arguments.command && !arguments.node;
}

Result<void> write(const ScaffoldFile& file, const std::string& name) {
    const bool hidden =
        file.path == "env" || file.path == "gitignore" || file.path == "dockerignore";
    const fs::path path = fs::path(name) / ((hidden ? "." : "") + filled_in(file.path, name));
    ROCOCO_TRY(write_file(path, filled_in(file.text, name)));
    if (!file.text.starts_with("#!")) return {};
    // For all who may read it.
    using fs::perms;
    std::error_code error;
    const perms readers = fs::status(path, error).permissions();
    for (const auto& [read, execute] : {std::pair(perms::owner_read, perms::owner_exec),
                                        std::pair(perms::group_read, perms::group_exec),
                                        std::pair(perms::others_read, perms::others_exec)}) {
        if ((readers & read) != perms::none)
            fs::permissions(path, execute, fs::perm_options::add, error);
    }
    if (!error) return {};
    return failure(ErrorKind::unavailable,
                   fmt::format("{} cannot be made a program: {}", path.string(), error.message()));
}

}  // namespace

Result<int> create(const NewArguments& arguments) {
    const std::string& name = arguments.name;
    if (!is_package_name(name)) {
        return failure(
            ErrorKind::usage,
            fmt::format("'{}': a service's name consists of lower-case letters, digits and "
                        "underscores, starting with a letter, such as order_mail",
                        name));
    }
    std::error_code error;
    if (fs::exists(fs::symlink_status(name, error))) {
        return failure(ErrorKind::usage, fmt::format("{} already exists", name));
    }
    if (arguments.python && std::ranges::find(kPythonsWords, name) != kPythonsWords.end()) {
        return failure(ErrorKind::usage,
                       fmt::format("{0}: no module can have this name in Python; choose one such "
                                   "as my_{0}",
                                   name));
    }
    if (is_built(arguments) && std::ranges::find(kTaken, name) != kTaken.end()) {
        return failure(ErrorKind::usage,
                       fmt::format("{0}: CMake has a target of this name already, and the "
                                   "service would be another; choose a name such as my_{0}",
                                   name));
    }
    for (const ScaffoldFile& file : scaffold(arguments)) {
        if (auto written = write(file, name); !written) {
            fs::remove_all(name, error);  // so that it can be tried again
            return tl::unexpected(written.error());
        }
    }
    std::cout << fmt::format(
        "{}/ is ready. Next:\n\n"
        "    cd {}\n"
        "{}"
        "    {}\n"
        "    svchost    # runs until Ctrl-C\n",
        name, name, is_built(arguments) ? "    cmake -B build && cmake --build build\n" : "",
        arguments.cron ? "svchost next" : R"(svchost send '{"message": "Hello"}')");
    return 0;
}

}  // namespace rococo::svchost::cli
