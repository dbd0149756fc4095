// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "rococo/abi.h"
#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_sender.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost {

/// Makes processors out of a service's library, behind the runtime's interface.
///
/// **Thread-safety**: `create` may be called from any thread.
/// **Ownership**: processor, sender and clock outlive the factory and what it makes.
class LibraryProcessorFactory final : public ProcessorFactory {
public:
    LibraryProcessorFactory(const rococo_processor& processor, messaging::MessageSender& sender,
                            const Clock& clock)
        : processor_(processor), sender_(sender), clock_(clock) {}

    [[nodiscard]] Result<std::unique_ptr<Processor>> create() override;

private:
    const rococo_processor& processor_;
    messaging::MessageSender& sender_;
    const Clock& clock_;
};

}  // namespace rococo::svchost
