// SPDX-License-Identifier: MIT
#include "host_context.hpp"

namespace rococo::svchost {

int run_schedule(const HostContext& context) {
    context.logger.critical("EXECUTION_TYPE=CRON is not wired in yet");
    return exit_code(ErrorKind::internal);
}

}  // namespace rococo::svchost
