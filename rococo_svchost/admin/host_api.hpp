// SPDX-License-Identifier: MIT
#pragma once

#include "api_call.hpp"
#include "facts_json.hpp"
#include "history_recorder.hpp"
#include "rococo/logger.hpp"
#include "rococo_svchost/admin/host_control.hpp"

namespace rococo::svchost {

/// What the API says of the host, and what it has the host do.
///
/// **Thread-safety**: all members may be called from any thread.
/// **Ownership**: control, history and the logger's sink must outlive it.
class HostApi {
public:
    HostApi(HostControl& control, const HistoryRecorder& history, const Logger& logger,
            ApiLimits limits)
        : control_(control), history_(history), logger_(logger), limits_(limits) {}

    [[nodiscard]] ApiAnswer status(const ApiCall& call);
    [[nodiscard]] ApiAnswer history(const ApiCall& call);
    [[nodiscard]] ApiAnswer in_hand(const ApiCall& call);
    [[nodiscard]] ApiAnswer failures(const ApiCall& call);
    /// Waits for the queue where it can list them.
    [[nodiscard]] ApiAnswer retries(const ApiCall& call);
    [[nodiscard]] ApiAnswer schedules(const ApiCall& call);
    [[nodiscard]] ApiAnswer config(const ApiCall& call);
    [[nodiscard]] ApiAnswer log(const ApiCall& call);

    [[nodiscard]] ApiAnswer pause(const ApiCall& call);
    [[nodiscard]] ApiAnswer resume(const ApiCall& call);
    [[nodiscard]] ApiAnswer run_now(const ApiCall& call);
    [[nodiscard]] ApiAnswer set_log_level(const ApiCall& call);

private:
    HostControl& control_;
    const HistoryRecorder& history_;
    Logger logger_;
    ApiLimits limits_;
};

}  // namespace rococo::svchost
