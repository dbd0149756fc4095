// SPDX-License-Identifier: MIT
#include "option_rows.hpp"

namespace rococo::option_rows {
namespace {

constexpr std::array kDashboard = {
    text("DASHBOARD_HOSTS",
         "The hosts that `svchost dashboard` shows, separated by commas: `http://orders:9464` is "
         "every address that the name has, `unix:/srv/*/.svchost/run/*.sock` every such socket. "
         "If not set, the hosts of this folder."),
    integer("DASHBOARD_PORT", "9465", {1, 65535}, "The TCP port of `svchost dashboard`."),
    text("DASHBOARD_ADDRESS", "127.0.0.1",
         "The IP address that `DASHBOARD_PORT` is opened at. `0.0.0.0` or `::` is every address "
         "of the machine; the dashboard then needs `DASHBOARD_TOKEN`."),
    secret(text("DASHBOARD_TOKEN",
                "What callers of `svchost dashboard` must send, as `Authorization: Bearer`; its "
                "page asks for it. If not set, only callers on the same machine are answered. "
                "What the dashboard itself sends to the hosts is `ADMIN_TOKEN`.")),
};

}  // namespace

std::span<const Option> dashboard() { return kDashboard; }

}  // namespace rococo::option_rows
