// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace rococo::svchost {

/// Runs a command as process 1 of a container should run it: `svchost init -- COMMAND…`. For
/// commands that do not pass signals on, such as a shell script that starts svchost.
///
/// - SIGTERM, SIGINT, SIGHUP and SIGQUIT go to the command and to all that it started; below a
///   svchost only to that svchost, which drains its own processes.
/// - After such a signal it waits for all of them. Without one, it ends when the command does.
/// - Orphans become its children and are taken from the system, also where it is not process 1.
///
/// Returns the command's exit code, 128 + the signal's number if a signal ended it. If the command
/// was ended by a signal after one was passed on, and others went on: the exit code of the last of
/// them, so that a drained service behind a killed script is a success. 126 or 127 if the command
/// cannot be executed, as in a shell.
///
/// **Thread-safety**: none; for a process with one thread, whose signals it blocks.
[[nodiscard]] int run_as_init(const std::vector<std::string>& command);

}  // namespace rococo::svchost
