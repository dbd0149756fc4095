// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rococo/base/clock.hpp"
#include "rococo/logger.hpp"
#include "rococo/messaging/rabbitmq/rabbitmq_connection.hpp"
#include "support/seeded_random.hpp"

namespace rococo::messaging::tests {

/// How long a test waits for what must happen. No test passes faster for it; a busy machine needs
/// it.
inline constexpr std::chrono::milliseconds kDeadline = std::chrono::minutes(4);

/// A Python program of the integration tests' support that takes commands on its standard input and
/// answers each with a line. It ends with its input.
class SupportProgram {
public:
    explicit SupportProgram(const std::vector<std::string>& arguments);
    ~SupportProgram();
    SupportProgram(const SupportProgram&) = delete;
    SupportProgram& operator=(const SupportProgram&) = delete;

    /// What it said first: its port, and whatever else.
    [[nodiscard]] const std::string& greeting() const { return greeting_; }
    [[nodiscard]] std::uint16_t port() const {
        return static_cast<std::uint16_t>(std::stoi(greeting_));
    }
    /// Runs a command to its end; throws unless the answer is `ok`.
    void command(const std::string& line);

private:
    std::string read_line() const;

    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    std::string greeting_;
};

/// The node of this executable: started by the first who asks, stopped at its end.
SupportProgram& broker();
void stop_broker();

/// Keeps log lines for the tests to look at, and shows them where ROCOCO_TEST_LOG is set.
///
/// **Thread-safety**: all members.
class RecordingLog {
public:
    [[nodiscard]] Logger logger() { return Logger(&sink_); }
    [[nodiscard]] bool holds(std::string_view text) const;
    [[nodiscard]] std::string all() const;

private:
    static void write(void* self, int level, const char* file, unsigned line, const char* text,
                      std::size_t size);
    mutable std::mutex mutex_;
    std::string lines_;
    Logger::Sink sink_{this, [](void*, int) { return true; }, &RecordingLog::write};
};

/// A message as another client sees it.
struct SeenMessage {
    std::shared_ptr<amqp_message_t> message;
    bool redelivered = false;
    [[nodiscard]] std::string body() const;
    [[nodiscard]] const amqp_basic_properties_t& properties() const;
    [[nodiscard]] const amqp_field_value_t* header(std::string_view name) const;
    [[nodiscard]] std::string text_header(std::string_view name) const;
};

/// Another client of the broker, written with nothing of the adapter's.
class OtherClient {
public:
    explicit OtherClient(std::uint16_t port = broker().port());
    ~OtherClient();
    OtherClient(const OtherClient&) = delete;
    OtherClient& operator=(const OtherClient&) = delete;

    using Arguments = std::vector<std::pair<std::string, std::string>>;
    struct Declaration {
        Arguments arguments{};  ///< A value of digits is a number, `true` a boolean, else text.
        bool auto_delete = false;
    };

    void declare(const std::string& queue) { declare(queue, Declaration{}); }
    void declare(const std::string& queue, const Declaration& declaration);
    /// Whether the queue exists with these arguments and no others.
    bool is_declared_as(const std::string& queue, const Arguments& arguments);
    /// Consumes for as long as this client lives, and lets nobody else.
    void consume_exclusively(const std::string& queue);
    void publish(const std::string& queue, std::string_view body,
                 const amqp_basic_properties_t* properties = nullptr);
    /// Takes the next message off the queue, waiting for it; none when the time is over.
    std::optional<SeenMessage> get(const std::string& queue,
                                   std::chrono::milliseconds wait = kDeadline);
    /// Messages ready; -1 where there is no such queue.
    int ready(const std::string& queue);
    void delete_queue(const std::string& queue);

private:
    void reopen();
    bool try_declare(const std::string& queue, const Declaration& declaration);
    amqp_connection_state_t state_;
};

/// A name for a queue of this test's own.
std::string fresh_queue();
/// Settings for the broker, or a proxy before it, with short times.
RabbitMqSettings settings_for(const std::string& queue, std::uint16_t port = broker().port());

/// Receives until there are so many deliveries, or the time is over.
Deliveries receive(MessageAdapter& adapter, std::size_t count,
                   std::chrono::milliseconds within = kDeadline);
/// Whether nothing arrives for a moment: what should not come has had the time to.
bool receives_nothing(MessageAdapter& adapter);
/// Receives nothing new for a while, or until the condition holds; whether it does.
bool turn_until(MessageAdapter& adapter, const std::function<bool()>& condition,
                std::chrono::milliseconds within = kDeadline);
Settlement settlement(std::unique_ptr<Delivery> delivery, Verdict verdict);
void settle(MessageAdapter& adapter, std::unique_ptr<Delivery> delivery, Verdict verdict);

}  // namespace rococo::messaging::tests
