// SPDX-License-Identifier: MIT
#include "messaging_kinds.hpp"

namespace rococo::svchost {

Result<std::unique_ptr<Messaging>> make_sqs_messaging(const MessagingParts& /*parts*/) {
    return failure(ErrorKind::configuration, "MESSAGING_TYPE=SqsConnection is not wired in yet");
}

}  // namespace rococo::svchost
