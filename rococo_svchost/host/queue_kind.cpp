// SPDX-License-Identifier: MIT
#include "rococo_svchost/host/queue_kind.hpp"

#include "queue_kinds.hpp"

namespace rococo::svchost {

Result<std::unique_ptr<QueueKind>> make_queue_kind(const QueueKindParts& parts) {
    const std::string& type = parts.configuration.text("MESSAGING_TYPE");
    if (type == "RabbitMqConnection") return make_rabbitmq_kind(parts);
    if (type == "SqsConnection") return make_sqs_kind(parts);
    if (type == "SqliteConnection") return make_sqlite_kind(parts);
    // The option table lists a kind that is not implemented here.
    return failure(ErrorKind::internal, "MESSAGING_TYPE=" + type + " is not implemented");
}

}  // namespace rococo::svchost
