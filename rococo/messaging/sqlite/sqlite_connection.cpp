// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite/sqlite_connection.hpp"

#include <memory>
#include <utility>

#include "consumer.hpp"

namespace rococo::messaging {

SqliteConnection::SqliteConnection(SqliteSettings settings, std::string queue, const Clock& clock,
                                   Logger logger)
    : ForwardingAdapter(std::make_unique<sqlite::Consumer>(std::move(settings), std::move(queue),
                                                           clock, logger)) {}

SqliteStatistics SqliteConnection::statistics() const {
    return static_cast<const sqlite::Consumer&>(worker()).statistics();
}

}  // namespace rococo::messaging
