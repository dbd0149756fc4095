// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/result.hpp"

/// One function for each command of `svchost`, with its arguments. Each returns the process's exit
/// code, or the error to print. Results go to standard output, everything else to standard error.
namespace rococo::svchost::cli {

struct RunArguments {
    std::filesystem::path folder = ".";
    bool once = false;
};
[[nodiscard]] Result<int> run(const RunArguments& arguments);

[[nodiscard]] Result<int> check(const std::filesystem::path& folder);

struct ConfigArguments {
    std::filesystem::path folder = ".";
    bool all = false;
    bool json = false;
    bool markdown = false;
};
[[nodiscard]] Result<int> config(const ConfigArguments& arguments);

struct SendArguments {
    std::filesystem::path folder = ".";
    std::string queue;
    bool to_service =
        false;         ///< No queue was given: use the one that the folder's service consumes.
    std::string body;  ///< `-`: one message for each line of standard input.
    std::string id;
    std::string content_type = "application/json";
    std::string correlation_id;
    std::vector<std::string> headers;  ///< `NAME=VALUE`
    std::string content_encoding;
    std::string reply_to;
    std::string type;
    std::string app_id;
    std::optional<unsigned> priority;
};
[[nodiscard]] Result<int> send(const SendArguments& arguments);

struct DeadLettersArguments {
    enum class Action { list, show, requeue, remove };
    Action action = Action::list;
    std::filesystem::path folder = ".";
    std::string queue;  ///< Empty: the service's own.
    std::vector<std::string> ids;
    bool all = false;
    bool yes = false;  ///< Delete without asking.
    bool json = false;
    std::size_t limit = 100;
};
[[nodiscard]] Result<int> dead_letters(const DeadLettersArguments& arguments);

struct NextArguments {
    std::filesystem::path folder = ".";
    std::string expression;  ///< Empty: the service's own schedule.
    std::optional<std::size_t> count;
    std::string from;
    std::string until;
    std::string timezone;
    bool json = false;
};
[[nodiscard]] Result<int> next(const NextArguments& arguments);

struct NewArguments {
    std::string name;
    bool cron = false;
    bool python = false;
    bool command = false;
    bool node = false;
};
[[nodiscard]] Result<int> create(const NewArguments& arguments);

/// Which hosts a command asks.
struct HostsArguments {
    std::filesystem::path folder = ".";
    std::string url;    ///< Empty: those that run in the folder.
    std::string token;  ///< Empty: ADMIN_TOKEN.
};

/// Whether all hosts of a folder are well: 0 if they are, 1 if not. Prints one line. **Errors**:
/// kind `unavailable`, if none answers.
[[nodiscard]] Result<int> health(const HostsArguments& arguments, bool ready);

struct StatusArguments {
    HostsArguments hosts;
    bool json = false;
    std::optional<std::chrono::milliseconds> watch;  ///< Again and again, at this interval.
};
[[nodiscard]] Result<int> status(const StatusArguments& arguments);

[[nodiscard]] Result<int> top(const HostsArguments& hosts);

struct PauseArguments {
    std::optional<std::chrono::milliseconds> length;  ///< Empty: until `resume`.
    std::string reason;
};
[[nodiscard]] Result<int> pause(const HostsArguments& hosts, const PauseArguments& arguments);
[[nodiscard]] Result<int> resume(const HostsArguments& hosts);
[[nodiscard]] Result<int> run_now(const HostsArguments& hosts);

[[nodiscard]] Result<int> queues(const std::filesystem::path& folder, bool json);

[[nodiscard]] Result<int> dashboard(const std::filesystem::path& folder);

/// The completion script for `bash`, `zsh` or `fish`.
[[nodiscard]] std::string_view completion_script(std::string_view shell);

/// The version, its commit and the libraries in use, on several lines.
[[nodiscard]] std::string version_text();

}  // namespace rococo::svchost::cli
