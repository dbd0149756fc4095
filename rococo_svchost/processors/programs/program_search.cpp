// SPDX-License-Identifier: MIT
#include "program_search.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <system_error>

#include "executable_search.hpp"
#include "rococo/base/printable.hpp"
#include "rococo/base/text.hpp"
#include "rococo/base/try.hpp"
#include "shell_words.hpp"

namespace rococo::svchost::programs {

namespace {

namespace fs = std::filesystem;

/// The beginning of a file, as far as it says what runs it.
std::string first_line_of(const fs::path& file) {
    constexpr std::size_t kLongest = 256;  // as the system reads it
    std::string beginning(kLongest, '\0');
    std::ifstream stream(file, std::ios::binary);
    stream.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
    beginning.resize(static_cast<std::size_t>(stream.gcount()));
    return beginning.substr(0, beginning.find('\n'));
}

/// What is wrong with an executable file, if it is a script; empty for all else.
std::string what_is_wrong_with(const fs::path& file) {
    const std::string line = first_line_of(file);
    if (line.starts_with("#!")) {
        std::string_view interpreter = trim(std::string_view(line).substr(2), " \t");
        interpreter = interpreter.substr(0, interpreter.find_first_of(" \t"));
        if (is_executable(interpreter)) return "";
        return fmt::format("its first line names {}, which is no program that can be executed{}",
                           printable(interpreter),
                           interpreter.ends_with('\r') ? ": its lines end as on Windows" : "");
    }
    // What is no text may be a program of a kind that only the system knows.
    const bool is_text = std::ranges::all_of(
        line, [](unsigned char c) { return c >= ' ' || c == '\t' || c == '\r'; });
    return is_text ? "it is a script without a first line such as #!/bin/sh" : "";
}

}  // namespace

Result<Program> find_program(const fs::path& folder, std::string_view command) {
    const auto refuse = [&](ErrorKind kind, std::string_view why) {
        return failure(kind, fmt::format("PROCESSOR_COMMAND={}: {}", printable(command), why));
    };
    auto words = shell_words(command);
    if (!words) return refuse(words.error().kind, words.error().message);
    if (words->empty() || words->front().empty())
        return refuse(ErrorKind::configuration, "it names no program");
    const std::string& name = words->front();
    std::error_code error;
    if (name.find('/') == std::string::npos) {
        const auto found = in_path(name);
        if (found) return Program{fs::absolute(*found, error), *words};
        const bool is_here = fs::exists(folder / name, error);
        return refuse(ErrorKind::service,
                      is_here
                          ? fmt::format("there is no {0} in PATH; write ./{0} for the one in the "
                                        "service's folder",
                                        name)
                          : fmt::format("there is no {} in PATH", name));
    }
    const fs::path path = fs::absolute(folder / name, error);
    if (!fs::exists(path, error))
        return refuse(ErrorKind::service, fmt::format("there is no {}", path.string()));
    if (!fs::is_regular_file(path, error))
        return refuse(ErrorKind::service, fmt::format("{} is no file", path.string()));
    if (!is_executable(path))
        return refuse(ErrorKind::service,
                      fmt::format("{} may not be executed: chmod +x {}", path.string(), name));
    if (const std::string wrong = what_is_wrong_with(path); !wrong.empty())
        return refuse(ErrorKind::service, fmt::format("{}: {}", path.string(), wrong));
    return Program{path, *words};
}

std::string processor_type_of(const fs::path& folder) {
    std::error_code error;
    fs::path whole = fs::weakly_canonical(folder, error);
    if (!whole.has_filename()) whole = whole.parent_path();
    const std::string name = whole.filename().string();
    if (name.empty() || !is_letter(name.front())) return "";
    std::string type;
    bool upper = true;
    for (const char c : name) {
        if (!is_letter(c) && !is_digit(c)) {
            upper = true;
            continue;
        }
        type += upper ? to_upper(c) : c;
        upper = false;
    }
    return type + "ServiceProcessor";
}

}  // namespace rococo::svchost::programs
