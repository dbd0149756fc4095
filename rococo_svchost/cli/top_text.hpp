// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "host_status.hpp"
#include "screen.hpp"

namespace rococo::svchost::cli {

/// A host as `svchost top` shows it.
struct TopHost {
    std::string name;
    std::optional<HostStatus> status;  ///< Empty: it does not answer.
    std::string error;                 ///< Why not.
    std::optional<double> processor;   ///< Of one core, since it was looked at before: 0.25.
};

/// A message in hand, or a failed call.
struct TopMessage {
    std::string host;
    std::string message;
    std::optional<Seconds> running_for;
    bool overdue = false;
    std::string what;  ///< `attempt 2: retry: no such customer`, of a failure.
};

/// All that one picture of `svchost top` shows.
struct TopView {
    std::string clock;  ///< `14:02:11`
    std::string where;  ///< Where hosts are looked for, while there are none.
    std::vector<TopHost> hosts;
    std::vector<TopMessage> in_hand;   ///< The oldest first.
    std::vector<TopMessage> failures;  ///< The newest first.
    std::string notice;                ///< A question, or what a key has done.
};

/// The picture: at most so many lines of at most so many columns, none of them ended by a line
/// break at the bottom. What does not fit is left out from below; the notice and the hosts come
/// first.
[[nodiscard]] std::string top_text(const TopView& view, const Screen::Size& size, bool colours);

}  // namespace rococo::svchost::cli
