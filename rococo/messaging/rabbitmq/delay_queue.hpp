// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace rococo::messaging {

/// The delays for which there are queues, ascending. A retry waits in one of them, so that their
/// number is bounded whatever delays the processors ask for.
[[nodiscard]] std::span<const std::chrono::milliseconds> delay_steps();

/// The smallest step that is not shorter than `delay`; the longest step where none is.
[[nodiscard]] std::chrono::milliseconds round_up_delay(std::chrono::milliseconds delay);

/// How long a delay queue may stay unused before the broker deletes it. Messages that wait in it do
/// not count as use, so it is far longer than they wait. Declaring it again counts as use.
[[nodiscard]] std::chrono::milliseconds delay_queue_expiry(std::chrono::milliseconds step);

/// A declaration is repeated before publishing when it is older than this, so that a message always
/// has less to wait than the queue has to live.
inline constexpr std::chrono::minutes kDelayQueueRefresh{1};

/// `<queue>.retry.<milliseconds>`, within AMQP's 255 bytes: a longer name of a queue is cut and
/// marked with a digest.
[[nodiscard]] std::string delay_queue_name(std::string_view queue, std::chrono::milliseconds step);

/// `<queue>.dead-letter`, within 255 bytes.
[[nodiscard]] std::string dead_letter_queue_name(std::string_view queue);

}  // namespace rococo::messaging
