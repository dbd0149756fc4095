// SPDX-License-Identifier: MIT
#include "queue_numbers.hpp"

#include "rococo/base/try.hpp"

namespace rococo::svchost::cli {

Result<std::vector<std::string>> own_queues(const Session& session) {
    auto names = configured_queues(session.configuration);
    if (!names.empty()) return names;
    ROCOCO_ASSIGN_OR_RETURN(const auto queue, service_queue(session));
    return std::vector<std::string>{queue};
}

std::vector<QueueNumbers> count_queues(const Session& session,
                                       const std::vector<std::string>& queues) {
    std::vector<QueueNumbers> numbers;
    numbers.reserve(queues.size());
    for (const std::string& queue : queues)
        numbers.push_back({queue, session.queue_kind->counts(queue)});
    return numbers;
}

}  // namespace rococo::svchost::cli
