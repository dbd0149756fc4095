// SPDX-License-Identifier: MIT
#pragma once

#include "rococo_svchost/host/messaging.hpp"

namespace rococo::svchost {

/// One function, and one source file, for each kind of queue: from configuration to settings.
[[nodiscard]] Result<std::unique_ptr<Messaging>> make_sqlite_messaging(const MessagingParts& parts);
[[nodiscard]] Result<std::unique_ptr<Messaging>> make_rabbitmq_messaging(
    const MessagingParts& parts);
[[nodiscard]] Result<std::unique_ptr<Messaging>> make_sqs_messaging(const MessagingParts& parts);

}  // namespace rococo::svchost
