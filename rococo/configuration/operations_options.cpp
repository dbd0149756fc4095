// SPDX-License-Identifier: MIT
#include "option_rows.hpp"

namespace rococo::option_rows {
namespace {

constexpr std::array kOperations = {
    integer("ADMIN_PORT", "", {1, 65535},
            "The TCP port that probes, `/metrics`, the page and the admin API are served on. If "
            "not set, there is only the Unix socket `run/<instance>.sock` in `STATE_DIR`."),
    text("ADMIN_ADDRESS", "127.0.0.1",
         "The IP address that `ADMIN_PORT` is opened at. `0.0.0.0` or `::` is every address of "
         "the machine; the admin API then needs `ADMIN_TOKEN`."),
    secret(text("ADMIN_TOKEN",
                "What callers of the admin API over TCP must send, as `Authorization: Bearer`. If "
                "not set, only callers on the same machine are answered.")),
    flag("ADMIN_READ_ONLY", "Refuse every action of the admin API; reading stays possible."),
    Plain<OptionType::boolean>()(
        "ADMIN_BODIES", "true",
        "Whether the admin API shows bodies, headers and properties of messages."),
    text("METRICS_BUCKETS",
         "The upper bounds of the buckets of `messaging_process_duration_seconds`: seconds, "
         "rising, separated by commas, 31 at most. If not set, from 0.5 ms to 5 min."),
    or_auto(duration("METRICS_QUEUE_INTERVAL", "auto", {0, kDay},
                     "How often the queue is asked how many messages it has. `auto` is 15 s, and "
                     "60 s for SQS, where each question is paid for. 0 turns it off.")),
    duration("LIVENESS_STALL", "30s", {kSecond, kDay},
             "How long the host may not get to its queue's events before `/livez` fails."),
    duration("LIVENESS_PROCESS_LIMIT", "0", {0, 30 * kDay},
             "`/livez` fails once every worker is busy with one call for longer than this. 0 "
             "means no limit."),
};

}  // namespace

std::span<const Option> operations() { return kOperations; }

}  // namespace rococo::option_rows
