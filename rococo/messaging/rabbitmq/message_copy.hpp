// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "amqp_failure.hpp"
#include "amqp_properties.hpp"
#include "rococo/base/clock.hpp"
#include "rococo/messaging/message_sender.hpp"

namespace rococo::messaging {

/// A message on its way to a queue: the properties and headers of another one, changed where need
/// be, and its body.
///
/// Properties and headers of every type go over as they are, in their order, except for what the
/// broker would act upon (`rococo_headers.hpp`), and except that the copy is always persistent.
///
/// **Ownership**: copies nothing of the original's bytes; they must live as long (`keep`).
class MessageCopy {
public:
    /// `same`: a copy into the queue that it came from.
    enum class Purpose { retry, dead_letter, requeue, same };

    /// Copies properties that are decoded already.
    MessageCopy(const amqp_basic_properties_t& original, std::string_view body, Purpose purpose,
                std::string_view user);
    /// Copies properties as they are on the wire.
    MessageCopy(std::string_view raw_properties, std::string_view body, Purpose purpose,
                std::string_view user);
    /// A message without any properties but persistence.
    explicit MessageCopy(std::string_view body);
    ~MessageCopy();
    MessageCopy(const MessageCopy&) = delete;
    MessageCopy& operator=(const MessageCopy&) = delete;

    /// Sets a header, in the place of one with that name or behind the others.
    void set_header(std::string_view name, std::string value);
    void set_header(std::string_view name, std::int64_t value);
    void remove_header(std::string_view name);
    /// The text of a header; empty if there is none or it is not text.
    [[nodiscard]] std::string_view header(std::string_view name) const;

    /// Drops the largest headers of the original, noting their names in a header, until the
    /// properties fit into one frame as the protocol demands. Call it last.
    void fit_into(std::size_t frame_bytes);

    /// Sets what a sender gives a message to go with it.
    void set_properties(const OutgoingMessage& message, std::string id, SystemTime sent_at);
    /// Gives it another id and another time of sending: a message of its own, not a copy of one.
    void begin_anew(std::string id, SystemTime sent_at);
    /// Keeps the owner of the original's bytes alive with the copy.
    void keep(std::shared_ptr<void> owner) { owner_ = std::move(owner); }

    [[nodiscard]] const amqp_basic_properties_t& properties() const { return properties_; }
    /// The message id; empty if there is none.
    [[nodiscard]] std::string_view id() const { return id_of(properties_); }
    static std::string_view id_of(const amqp_basic_properties_t& properties) {
        const bool has_id = (properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0;
        return has_id ? view(properties.message_id) : std::string_view();
    }
    [[nodiscard]] std::string_view body() const { return body_; }

private:
    void take_over(const amqp_basic_properties_t& original, Purpose purpose, std::string_view user);
    void take_over_headers(const amqp_table_t& table, Purpose purpose);
    amqp_field_value_t& field(std::string_view name);
    void set_text(TextProperty property, std::string text);
    void set_sent_at(SystemTime sent_at);
    void publish_table();
    [[nodiscard]] amqp_bytes_t keep_text(std::string text);
    [[nodiscard]] bool fits(std::size_t frame_bytes) const;

    amqp_pool_t pool_{};
    amqp_basic_properties_t properties_{};
    std::vector<amqp_table_entry_t> entries_;
    std::deque<std::string> texts_;
    std::string_view body_;
    std::shared_ptr<void> owner_;
};

}  // namespace rococo::messaging
