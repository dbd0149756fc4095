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

/// `<queue>.delay.<milliseconds>`, within AMQP's 255 bytes: a longer name of a queue is cut and
/// marked with a digest.
[[nodiscard]] std::string delay_queue_name(std::string_view queue, std::chrono::milliseconds step);

/// `<queue>.retry.<milliseconds>`: what version 1.0.0 called them. Those expire, a quorum queue
/// even with messages in it (rabbitmq-server#5894), so what waits there is moved.
[[nodiscard]] std::string retired_delay_queue_name(std::string_view queue,
                                                   std::chrono::milliseconds step);

/// `<queue>.dead-letter`, within 255 bytes.
[[nodiscard]] std::string dead_letter_queue_name(std::string_view queue);

}  // namespace rococo::messaging
