// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "outgoing_json.hpp"
#include "rococo/messaging/delivery.hpp"
#include "rococo_svchost/runtime/processor.hpp"

namespace rococo::svchost::lines {

inline constexpr std::int64_t kProtocol = 1;
/// The most messages that a program may have.
inline constexpr std::size_t kMostInWindow = 128;

/// Appends the line of a message: `{"id":7,"attempt":1,…,"body":…}`. A body that is no JSON goes as
/// `body_base64`.
void append_message(std::string& out, std::uint64_t number, const messaging::Delivery& delivery,
                    std::uint32_t attempt);
/// Appends the line of a run of a schedule: `{"id":7,"attempt":1,"scheduled_at":"…"}`.
void append_run(std::string& out, std::uint64_t number, SystemTime scheduled_at,
                std::uint32_t attempt);
/// Appends what became of a message that the program wanted sent: `{"sent":"a"}`, or
/// `{"not_sent":"a","error":"…"}`.
void append_sent(std::string& out, const programs::Json& ref, const Result<void>& result);

/// `{"id":7}`, `{"id":7,"outcome":"retry","after":"30s","error":"…"}`.
struct Answered {
    std::uint64_t number = 0;
    Outcome outcome;
};
/// `{"begun":7}`.
struct Begun {
    std::uint64_t number = 0;
};
/// `{"ready":{"protocol":1,"window":64,"parallel":8}}`.
struct Ready {
    std::size_t window = 1;    ///< How many it may have: the others wait in its standard input.
    std::size_t parallel = 1;  ///< How many of them it works on at once.
};
/// `{"send":{"ref":"a","queue":"q","body":…}}`.
struct Send {
    programs::Json ref;  ///< As the program wrote it; null if it wrote none.
    Result<programs::Outgoing> outgoing;
};
/// `{"log":"…","level":"INFO"}`.
struct Log {
    std::string text;
    std::string level;
};
/// Anything else is output.
struct Text {};
/// What was meant for us and cannot be read.
struct Mistake {
    std::string what;
    bool is_fatal = false;  ///< The program speaks another protocol.
};

using Line = std::variant<Answered, Begun, Ready, Send, Log, Text, Mistake>;

/// What a line of a program means.
[[nodiscard]] Line read_line(std::string_view line);

}  // namespace rococo::svchost::lines
