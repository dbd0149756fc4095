// SPDX-License-Identifier: MIT
#pragma once

#include "rococo/configuration/configuration.hpp"

namespace rococo::svchost {

/// Makes the process robust. `main` calls this first.
///
/// - Opens standard input, output and error to /dev/null if closed (`svchost >&-`). Otherwise the
/// next file or socket would get that number, and the printed output with it.
/// - Writing to a closed pipe or socket, or beyond a file size limit, returns an error (EPIPE,
/// EFBIG) instead of killing the process. Programs that the service executes get the default
/// behaviour.
void prepare_process();

/// Applies the configuration's `TZ` (environment, then `.env.secrets`, then `.env`) to the whole
/// process, so that schedules, log timestamps and the service's code use the same zone. An empty
/// value counts as unset, as elsewhere.
///
/// **Thread-safety**: none; call it before any thread starts and before anything is logged.
void apply_process_zone(const Configuration& configuration);

/// Flushes standard output. If that fails, for example because the disk is full, prints a line to
/// standard error and returns false. A reader that has closed the pipe (`| head -1`) is not a
/// failure.
[[nodiscard]] bool finish_standard_output();

}  // namespace rococo::svchost
