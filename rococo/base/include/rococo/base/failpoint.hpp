// SPDX-License-Identifier: MIT
#pragma once

/// A place where a test can make the process die, stop or wait: `ROCOCO_FAILPOINT("worker.done");`.
/// It does nothing unless armed by the environment, and it is compiled in only if CMake's option
/// ROCOCO_FAILPOINTS is on, as in debug builds with tests.
///
/// ROCOCO_FAILPOINTS="name=action;…" in the environment arms them. Several actions with the same
/// name run in order. Append `@K` to an action to run it only on the K-th pass. Actions:
///
/// - `kill`, `stop`: SIGKILL or SIGSTOP to the process itself.
/// - `exit:CODE`: calls `_exit`, so nothing is destroyed or flushed.
/// - `sleep:MILLISECONDS`
/// - `touch:PATH`: creates the file, so that the test knows that the place was reached.
///
/// Anything else makes the process exit with 78 and a message when it first passes any failpoint.
///
/// **Thread-safety**: any thread may pass one; passes are counted across all threads.
#ifdef ROCOCO_FAILPOINTS
#define ROCOCO_FAILPOINT(name) ::rococo::pass_failpoint(name)
#else
#define ROCOCO_FAILPOINT(name) static_cast<void>(0)
#endif

#ifdef ROCOCO_FAILPOINTS
namespace rococo {

/// Implements the macro.
void pass_failpoint(const char* name) noexcept;

}  // namespace rococo
#endif
