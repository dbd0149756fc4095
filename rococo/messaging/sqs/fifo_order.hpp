// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rococo::messaging::sqs {

/// Who comes when in a FIFO queue's message groups: one message of a group at a time is handed out,
/// the ones behind it wait until it has left the queue. Groups know nothing of each other.
class FifoOrder {
public:
    using Key = std::uint64_t;

    /// Takes in the group's next message. Returns whether it is its turn.
    bool add(const std::string& group, Key key) {
        auto& line = lines_[group];
        line.push_back(key);
        return line.size() == 1;
    }

    /// The message has left the queue for good: whose turn it is now, if anybody waits.
    std::optional<Key> settled(const std::string& group, Key key) {
        const auto found = lines_.find(group);
        if (found == lines_.end()) return std::nullopt;
        auto& line = found->second;
        const bool was_first = !line.empty() && line.front() == key;
        std::erase(line, key);
        if (line.empty()) {
            lines_.erase(found);
            return std::nullopt;
        }
        return was_first ? std::optional(line.front()) : std::nullopt;
    }

    /// The message goes back to the queue: those that waited behind it must go back as well.
    std::vector<Key> gives_back(const std::string& group, Key key) {
        const auto found = lines_.find(group);
        if (found == lines_.end()) return {};
        auto& line = found->second;
        const auto place = std::find(line.begin(), line.end(), key);
        if (place == line.end()) return {};
        std::vector<Key> behind(place + 1, line.end());
        line.erase(place, line.end());
        if (line.empty()) lines_.erase(found);
        return behind;
    }

    /// Those that wait behind a message which stays in hand; they leave the line.
    std::vector<Key> take_behind(const std::string& group, Key key) {
        const auto found = lines_.find(group);
        if (found == lines_.end() || found->second.front() != key) return {};
        std::vector<Key> behind(found->second.begin() + 1, found->second.end());
        found->second.resize(1);
        return behind;
    }

private:
    std::unordered_map<std::string, std::deque<Key>> lines_;
};

}  // namespace rococo::messaging::sqs
