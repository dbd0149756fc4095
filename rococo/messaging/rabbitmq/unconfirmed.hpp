// SPDX-License-Identifier: MIT
#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "publication.hpp"

namespace rococo::messaging {

/// What was published on a channel and is not confirmed, in order. The broker numbers it 1, 2, 3, …
///
/// A message that no queue took comes back by `basic.return` before it is confirmed, but a return
/// names no number: it is found by its queue and its id. Where that fits several, all of them count
/// as returned; one message too many is published again, none is lost.
///
/// **Thread-safety**: none.
class Unconfirmed {
public:
    struct Entry {
        std::unique_ptr<Publication> publication;  ///< None: confirmed or refused.
        unsigned refusals = 0;                     ///< Of this very message, so far.
        bool returned = false;                     ///< No queue took it.
    };

    void add(std::unique_ptr<Publication> publication, unsigned refusals) {
        entries_.push_back({std::move(publication), refusals});
    }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] bool empty() const { return entries_.empty(); }

    /// Takes out what this number is about, and with `multiple` all before it.
    [[nodiscard]] std::vector<Entry> take(std::uint64_t number, bool multiple);
    /// Takes out everything, in order: the channel is gone, and numbers begin anew.
    [[nodiscard]] std::vector<Entry> take_all();
    /// The first publication of which this holds; none where there is none.
    template <typename Condition>
    [[nodiscard]] const Publication* find(const Condition& condition) const {
        for (const auto& entry : entries_)
            if (entry.publication && condition(*entry.publication)) return entry.publication.get();
        return nullptr;
    }

    // The three parts of a `basic.return`:
    void return_begins(std::string queue) { returning_ = Return{std::move(queue)}; }
    void return_header(const amqp_basic_properties_t& properties, std::uint64_t body_bytes);
    void return_body(std::size_t bytes);

private:
    struct Return {
        std::string queue;
        std::uint64_t body_left = 0;
    };

    std::deque<Entry> entries_;
    std::uint64_t first_ = 1;  // The number of the first entry.
    std::optional<Return> returning_;
};

}  // namespace rococo::messaging
