// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iostream>
#include <system_error>

#include "commands.hpp"
#include "rococo_svchost/host/host.hpp"
#include "scaffold.hpp"

namespace rococo::svchost::cli {

namespace {

namespace fs = std::filesystem;

bool is_package_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !name.empty() && name.front() >= 'a' && name.front() <= 'z' &&
           std::all_of(name.begin(), name.end(), allowed);
}

/// `OrderMail` of `order_mail`.
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

Result<void> write_file(const fs::path& path, const std::string& text) {
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file) return failure(ErrorKind::unavailable, "cannot write " + path.string());
    return {};
}

}  // namespace

int create(const NewArguments& arguments) {
    const std::string& name = arguments.name;
    if (!is_package_name(name)) {
        return complain(
            {ErrorKind::usage, fmt::format("{}: a service's name is lower-case letters, digits and "
                                           "underscores, a letter first, such as order_mail",
                                           name)});
    }
    std::error_code error;
    if (fs::exists(name, error)) {
        return complain({ErrorKind::usage, fmt::format("{} exists already", name)});
    }
    for (const ScaffoldFile& file : arguments.cron ? cron_scaffold() : messaging_scaffold()) {
        const bool hidden =
            file.path == "env" || file.path == "gitignore" || file.path == "dockerignore";
        const fs::path path = fs::path(name) / ((hidden ? "." : "") + std::string(file.path));
        if (auto written = write_file(path, filled_in(file.text, name)); !written) {
            return complain(written.error());
        }
    }
    std::cout << fmt::format(
        "{0}/ is ready. Next:\n\n    cd {0} && cmake -B build && cmake --build build && svchost\n",
        name);
    return 0;
}

}  // namespace rococo::svchost::cli
