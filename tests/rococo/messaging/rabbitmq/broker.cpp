// SPDX-License-Identifier: MIT
#include "broker.hpp"

#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace rococo::messaging::tests {
namespace {

std::unique_ptr<SupportProgram>& the_broker() {
    static std::unique_ptr<SupportProgram> program;
    return program;
}

amqp_bytes_t bytes(std::string_view text) {
    return {text.size(), const_cast<char*>(text.data())};  // NOLINT(*-const-cast)
}

}  // namespace

SupportProgram::SupportProgram(const std::vector<std::string>& arguments) {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0)
        throw std::runtime_error("pipe");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, from[1], STDOUT_FILENO);
    std::vector<std::string> words{"/usr/bin/python3"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words[1] = std::string(SUPPORT_FOLDER) + "/" + words[1];
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int failed = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(to[0]);
    ::close(from[1]);
    input_ = to[1];
    output_ = from[0];
    if (failed != 0) throw std::runtime_error("cannot run python3");
    greeting_ = read_line();
    if (greeting_.empty()) throw std::runtime_error(words[1] + " does not start");
}

SupportProgram::~SupportProgram() {
    ::close(input_);
    ::close(output_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

std::string SupportProgram::read_line() const {
    std::string line;
    char byte = 0;
    while (::read(output_, &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
}

void SupportProgram::command(const std::string& line) {
    const auto whole = line + "\n";
    if (::write(input_, whole.data(), whole.size()) < 0) throw std::runtime_error("write");
    const auto answer = read_line();
    if (answer != "ok") throw std::runtime_error(line + ": " + answer);
}

SupportProgram& broker() {
    auto& program = the_broker();
    if (!program)
        program = std::make_unique<SupportProgram>(std::vector<std::string>{"rabbitmq_node.py"});
    return *program;
}

void stop_broker() { the_broker().reset(); }

void RecordingLog::write(void* self, int level, const char* /*file*/, unsigned /*line*/,
                         const char* text, std::size_t size) {
    auto& log = *static_cast<RecordingLog*>(self);
    const std::lock_guard lock(log.mutex_);
    log.lines_.append(std::to_string(level) + " ").append(text, size) += '\n';
    if (std::getenv("ROCOCO_TEST_LOG") != nullptr)
        std::cerr << std::string_view(text, size) << '\n';
}

bool RecordingLog::holds(std::string_view text) const {
    return all().find(text) != std::string::npos;
}

std::string RecordingLog::all() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

std::string SeenMessage::body() const {
    return {static_cast<const char*>(message->body.bytes), message->body.len};
}

const amqp_basic_properties_t& SeenMessage::properties() const { return message->properties; }

const amqp_field_value_t* SeenMessage::header(std::string_view name) const {
    const auto& table = properties().headers;
    for (int i = 0; i < table.num_entries; ++i) {
        const auto& entry = table.entries[i];
        if (std::string_view(static_cast<const char*>(entry.key.bytes), entry.key.len) == name)
            return &entry.value;
    }
    return nullptr;
}

std::string SeenMessage::text_header(std::string_view name) const {
    const auto* value = header(name);
    if (value == nullptr || value->kind != AMQP_FIELD_KIND_UTF8) return {};
    return {static_cast<const char*>(value->value.bytes.bytes), value->value.bytes.len};
}

OtherClient::OtherClient(std::uint16_t port) : state_(amqp_new_connection()) {
    amqp_socket_t* socket = amqp_tcp_socket_new(state_);
    if (amqp_socket_open(socket, "127.0.0.1", port) != 0) throw std::runtime_error("no broker");
    amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    reopen();
}

OtherClient::~OtherClient() {
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(state_);
}

void OtherClient::reopen() {
    if (amqp_get_rpc_reply(state_).reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
        amqp_channel_close_ok_t ok{};
        amqp_send_method(state_, 1, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    }
    amqp_channel_open(state_, 1);
    amqp_confirm_select(state_, 1);
}

bool OtherClient::try_declare(const std::string& queue, const Declaration& declaration) {
    std::vector<amqp_table_entry_t> entries;
    for (const auto& [key, value] : declaration.arguments) {
        amqp_table_entry_t entry{};
        entry.key = bytes(key);
        if (value == "true") {
            entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
            entry.value.value.boolean = 1;
        } else if (!value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
            entry.value.kind = AMQP_FIELD_KIND_I64;
            entry.value.value.i64 = std::stoll(value);
        } else {
            entry.value.kind = AMQP_FIELD_KIND_UTF8;
            entry.value.value.bytes = bytes(value);
        }
        entries.push_back(entry);
    }
    const amqp_table_t arguments{static_cast<int>(entries.size()), entries.data()};
    if (amqp_queue_declare(state_, 1, bytes(queue), 0, 1, 0, declaration.auto_delete ? 1 : 0,
                           arguments) != nullptr)
        return true;
    reopen();
    return false;
}

void OtherClient::declare(const std::string& queue, const Declaration& declaration) {
    if (!try_declare(queue, declaration)) throw std::runtime_error("cannot declare " + queue);
}

bool OtherClient::is_declared_as(const std::string& queue, const Arguments& arguments) {
    return ready(queue) >= 0 && try_declare(queue, Declaration{arguments});
}

void OtherClient::consume_exclusively(const std::string& queue) {
    if (amqp_basic_consume(state_, 1, bytes(queue), amqp_empty_bytes, 0, 0, /*exclusive=*/1,
                           amqp_empty_table) == nullptr)
        throw std::runtime_error("cannot consume " + queue);
}

void OtherClient::publish(const std::string& queue, std::string_view body,
                          const amqp_basic_properties_t* properties) {
    if (amqp_basic_publish(state_, 1, amqp_empty_bytes, bytes(queue), 1, 0, properties,
                           bytes(body)) != AMQP_STATUS_OK)
        throw std::runtime_error("cannot publish");
    while (true) {
        amqp_frame_t frame;
        if (amqp_simple_wait_frame(state_, &frame) != AMQP_STATUS_OK)
            throw std::runtime_error("no confirm");
        if (frame.frame_type != AMQP_FRAME_METHOD) continue;
        if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) break;
        throw std::runtime_error("not confirmed: no such queue?");
    }
    amqp_maybe_release_buffers(state_);
}

std::optional<SeenMessage> OtherClient::get(const std::string& queue,
                                            std::chrono::milliseconds wait) {
    const auto deadline = std::chrono::steady_clock::now() + wait;
    while (true) {
        auto reply = amqp_basic_get(state_, 1, bytes(queue), 1);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
            reopen();
        } else if (reply.reply.id == AMQP_BASIC_GET_OK_METHOD) {
            SeenMessage seen;
            seen.redelivered =
                static_cast<const amqp_basic_get_ok_t*>(reply.reply.decoded)->redelivered != 0;
            auto* message = new amqp_message_t();
            amqp_read_message(state_, 1, message, 0);
            seen.message = std::shared_ptr<amqp_message_t>(message, [](amqp_message_t* held) {
                amqp_destroy_message(held);
                delete held;
            });
            return seen;
        }
        if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

int OtherClient::ready(const std::string& queue) {
    const auto* ok = amqp_queue_declare(state_, 1, bytes(queue), 1, 0, 0, 0, amqp_empty_table);
    if (ok != nullptr) return static_cast<int>(ok->message_count);
    reopen();
    return -1;
}

void OtherClient::delete_queue(const std::string& queue) {
    amqp_queue_delete(state_, 1, bytes(queue), 0, 0);
}

std::string fresh_queue() {
    static std::atomic<int> number{0};
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    return std::string("test.") + (info != nullptr ? info->name() : "") + "." +
           std::to_string(++number);
}

RabbitMqSettings settings_for(const std::string& queue, std::uint16_t port) {
    RabbitMqSettings settings;
    settings.hosts = {"127.0.0.1"};
    settings.port = port;
    settings.queue = queue;
    settings.connection_name = "test";
    settings.connect_timeout = std::chrono::seconds(20);
    settings.request_timeout = kDeadline;
    settings.connect_tries = 2;
    settings.backoff_first = std::chrono::milliseconds(50);
    settings.backoff_limit = std::chrono::milliseconds(500);
    settings.send_timeout = kDeadline;
    return settings;
}

Deliveries receive(MessageAdapter& adapter, std::size_t count, std::chrono::milliseconds within) {
    Events events;
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (events.deliveries.size() < count && std::chrono::steady_clock::now() < deadline) {
        const auto received = adapter.receive(deadline, events);
        if (!received) throw std::runtime_error(received.error().message);
    }
    return std::move(events.deliveries);
}

bool receives_nothing(MessageAdapter& adapter) {
    return receive(adapter, 1, std::chrono::milliseconds(300)).empty();
}

bool turn_until(MessageAdapter& adapter, const std::function<bool()>& condition,
                std::chrono::milliseconds within) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        Events none;
        const auto received =
            adapter.receive(std::chrono::steady_clock::now() + std::chrono::milliseconds(10), none);
        if (!received) throw std::runtime_error(received.error().message);
        if (!none.deliveries.empty())
            throw std::runtime_error("an unexpected delivery: " +
                                     std::string(none.deliveries[0]->body));
    }
    return true;
}

Settlement settlement(std::unique_ptr<Delivery> delivery, Verdict verdict) {
    Settlement settlement;
    settlement.verdict = verdict;
    settlement.attempts = delivery->attempt;
    settlement.error = "it failed";
    if (verdict == Verdict::dead_letter) settlement.reason = "max-attempts";
    settlement.delivery = std::move(delivery);
    return settlement;
}

void settle(MessageAdapter& adapter, std::unique_ptr<Delivery> delivery, Verdict verdict) {
    Settlements settlements;
    settlements.push_back(settlement(std::move(delivery), verdict));
    const auto settled = adapter.settle(std::move(settlements));
    if (!settled) throw std::runtime_error(settled.error().message);
}

}  // namespace rococo::messaging::tests
