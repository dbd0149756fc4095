// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

#include "outgoing_json.hpp"
#include "rococo/base/file_descriptor.hpp"

namespace rococo::svchost::command {

/// What a program wrote to its descriptor 3.
struct OutboxContents {
    std::vector<programs::Outgoing> messages;
    std::optional<std::chrono::microseconds> retry_after;  ///< The last one counts.
};

/// Reads lines of JSON: `{"send":{…}}`, `{"retry_after":"30s"}`. **Errors**: kind `service`, with
/// the number of the line and what is wrong with it.
[[nodiscard]] Result<OutboxContents> read_outbox(std::string_view text);

/// A file in memory that a program appends to.
class Outbox {
public:
    /// Not open, with the reason in `errno`, if there is no room for it.
    Outbox();

    [[nodiscard]] int descriptor() const { return file_.get(); }
    /// What is in it. **Errors**: those of `read_outbox`; it holds more than 64 MiB.
    [[nodiscard]] Result<OutboxContents> contents() const;

private:
    FileDescriptor file_;
};

}  // namespace rococo::svchost::command
