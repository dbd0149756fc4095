// SPDX-License-Identifier: MIT
#include "rococo/messaging/sqlite_connection.hpp"

#include <utility>

#include "consumer.hpp"

namespace rococo::messaging {

SqliteConnection::SqliteConnection(SqliteSettings settings, std::string queue, const Clock& clock,
                                   Logger logger)
    : consumer_(std::make_unique<sqlite::Consumer>(std::move(settings), std::move(queue), clock,
                                                   logger)) {}
SqliteConnection::~SqliteConnection() { consumer_->close(); }

Result<void> SqliteConnection::open() { return consumer_->open(); }
void SqliteConnection::set_prefetch(std::size_t deliveries) { consumer_->set_prefetch(deliveries); }
Result<void> SqliteConnection::receive(SteadyTime deadline, Deliveries& out) {
    return consumer_->receive(deadline, out);
}
Result<void> SqliteConnection::settle(Settlements settlements) {
    consumer_->settle(std::move(settlements));
    return {};
}
std::size_t SqliteConnection::unsettled() const { return consumer_->unsettled(); }
void SqliteConnection::stop_receiving() { consumer_->stop_receiving(); }
Result<bool> SqliteConnection::empty() { return consumer_->empty(); }
void SqliteConnection::close() { consumer_->close(); }
void SqliteConnection::wake() noexcept { consumer_->wake(); }
std::string SqliteConnection::endpoint() const { return consumer_->endpoint(); }
SqliteStatistics SqliteConnection::statistics() const { return consumer_->statistics(); }

}  // namespace rococo::messaging
