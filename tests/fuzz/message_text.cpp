// SPDX-License-Identifier: MIT
// What a sender can put into a message and a person then sees: printed text, JSON bodies as the SDK
// parses them, timestamps. No crash; nothing unsafe comes out; JSON means what it meant.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <rococo/json.hpp>
#include <string>
#include <string_view>

#include "rococo/base/printable.hpp"
#include "rococo/base/timestamp.hpp"
#include "rococo/messaging/message_name.hpp"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

void require_safe(std::string_view text, std::string_view allowed) {
    while (!text.empty()) {
        const auto character = rococo::utf8_character(text);
        require(character.valid);
        const bool kept = character.bytes == 1 && allowed.find(text.front()) != text.npos;
        require(kept || !rococo::detail::is_unsafe(character.code));
        text.remove_prefix(character.bytes);
    }
}

void check_json(std::string_view text) {
    rococo_message fields{};
    fields.body = {text.data(), text.size()};
    rococo::Json document;
    try {
        document = rococo::json(rococo::messaging::Message(fields));
    } catch (const rococo::JsonError&) {
        return;
    }
    const auto replace = rococo::Json::error_handler_t::replace;
    const std::string written = document.dump(2, ' ', false, replace);
    const std::string safe = rococo::printable_json(written);
    require_safe(safe, "\n");
    require(rococo::Json::parse(safe) == rococo::Json::parse(written));
    // A const value asked for what is not there throws, whatever it is.
    const rococo::Json& value = document;
    try {
        static_cast<void>(value["no such key"]);
        require(value.contains("no such key"));
    } catch (const rococo::Json::exception&) {
        require(!value.contains("no such key"));
    }
    try {
        static_cast<void>(value[value.size()]);
        require(false);
    } catch (const rococo::Json::exception&) {  // as it must
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    require_safe(rococo::printable(text), "");
    require_safe(rococo::printable(text, rococo::LineBreaks::keep), "\n\t");
    require(rococo::beginning(text, size / 2).size() <= size / 2);
    if (rococo::is_plain(text)) require(rococo::printable(text) == text);
    require(!rococo::messaging::message_name("", text).empty());
    check_json(text);

    std::uint64_t number = 0;
    std::memcpy(&number, data, size < sizeof number ? size : sizeof number);
    for (const auto time : {rococo::time_from_timestamp(number),
                            rococo::time_from_milliseconds(static_cast<std::int64_t>(number)),
                            rococo::time_from_microseconds(static_cast<std::int64_t>(number))}) {
        require(time >= rococo::SystemTime() && time <= rococo::kLatestTime);
    }
    rococo_message fields{};
    fields.sent_at_us = static_cast<std::int64_t>(number);
    const auto sent_at = rococo::messaging::Message(fields).sent_at();
    if (sent_at) {
        require(std::chrono::duration_cast<std::chrono::microseconds>(sent_at->time_since_epoch())
                    .count() == fields.sent_at_us);
    }
    return 0;
}
