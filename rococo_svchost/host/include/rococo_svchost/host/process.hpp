// SPDX-License-Identifier: MIT
#pragma once

namespace rococo::svchost {

/// Makes the process robust. `main` calls this first.
///
/// - Opens standard input, output and error to /dev/null if closed (`svchost >&-`). Otherwise the
/// next file or socket would get that number, and the printed output with it.
/// - Writing to a closed pipe or socket, or beyond a file size limit, returns an error (EPIPE,
/// EFBIG) instead of killing the process. Programs that the service executes get the default
/// behaviour.
void prepare_process();

/// Flushes standard output. If that fails, for example because the disk is full, prints a line to
/// standard error and returns false. A reader that has closed the pipe (`| head -1`) is not a
/// failure.
[[nodiscard]] bool finish_standard_output();

}  // namespace rococo::svchost
