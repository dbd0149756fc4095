// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <system_error>

#include "messaging_kinds.hpp"
#include "rococo/messaging/sqlite_connection.hpp"
#include "rococo/messaging/sqlite_dead_letters.hpp"
#include "rococo/messaging/sqlite_sender.hpp"

namespace rococo::svchost {

namespace {

using namespace messaging;

template <typename Derived, typename Base>
Result<std::unique_ptr<Base>> as(Result<std::unique_ptr<Derived>> made) {
    if (!made) return tl::unexpected(made.error());
    return std::unique_ptr<Base>(std::move(*made));
}

class SqliteMessaging final : public Messaging {
public:
    SqliteMessaging(const MessagingParts& parts, SqliteSettings settings)
        : clock_(parts.clock),
          logger_(parts.logger),
          random_(parts.random),
          settings_(std::move(settings)) {}

    std::unique_ptr<MessageAdapter> adapter(const std::string& queue) override {
        return std::make_unique<SqliteConnection>(settings_, queue, clock_, logger_);
    }
    Result<std::unique_ptr<MessageSender>> sender() override {
        return as<SqliteSender, MessageSender>(SqliteSender::open(settings_, clock_, random_));
    }
    Result<std::unique_ptr<DeadLetterStore>> dead_letters(const std::string& queue) override {
        return as<SqliteDeadLetters, DeadLetterStore>(
            SqliteDeadLetters::open(settings_, queue, clock_));
    }

private:
    const Clock& clock_;
    Logger logger_;
    RandomBits random_;
    SqliteSettings settings_;
};

}  // namespace

Result<std::unique_ptr<Messaging>> make_sqlite_messaging(const MessagingParts& parts) {
    const Configuration& configuration = parts.configuration;
    SqliteSettings settings;
    // Whole, since errors name it, and whoever reads them may be elsewhere.
    settings.path = std::filesystem::absolute(configuration.path("SQLITE_PATH")).lexically_normal();
    settings.lease = configuration.duration("SQLITE_LEASE");
    if (!configuration.is_set("SQLITE_PATH")) {
        // The default lies in a folder of the host's own; a folder that the user names must exist,
        // since a typo would otherwise make a second, empty queue.
        std::error_code error;
        std::filesystem::create_directories(settings.path.parent_path(), error);
        if (error) {
            return failure(ErrorKind::configuration,
                           fmt::format("cannot make the folder {} of the embedded queue: {}. Set "
                                       "SQLITE_PATH to a file in a folder that can be written",
                                       settings.path.parent_path().string(), error.message()));
        }
    }
    return std::make_unique<SqliteMessaging>(parts, std::move(settings));
}

}  // namespace rococo::svchost
