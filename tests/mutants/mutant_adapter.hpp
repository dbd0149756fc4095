// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string_view>

#include "rococo/messaging/message_adapter.hpp"

namespace rococo::svchost::tests {

/// Breaks the promise "at least once" on purpose, so that the tests that count messages can show
/// that they would notice:
///
/// - `ack-before-processing`: acknowledges each message when it arrives;
/// - `swallow-exception`: acknowledges what the processor failed on;
/// - `ack-before-confirm`: acknowledges a dead letter's original and only later makes the copy.
///
/// Returns null for any other name.
[[nodiscard]] std::unique_ptr<messaging::MessageAdapter> make_mutant(
    std::string_view name, std::unique_ptr<messaging::MessageAdapter> honest);

}  // namespace rococo::svchost::tests
