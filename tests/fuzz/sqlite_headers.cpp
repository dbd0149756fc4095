// SPDX-License-Identifier: MIT
// The text of a message's headers over any bytes: no crash, and what is read from it can be written
// and read again as it is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "header_text.hpp"

namespace {

using rococo::messaging::sqlite::Headers;
using rococo::messaging::sqlite::headers_from_text;
using rococo::messaging::sqlite::headers_to_text;

void require(bool condition) {
    if (!condition) std::abort();
}

rococo::Result<std::string> to_text(const Headers& headers) {
    rococo::messaging::OutgoingMessage message;
    message.headers = headers;
    return headers_to_text(message);
}

/// Names and values between newlines: any bytes, of which only UTF-8 may be written.
void check_writing(std::string_view text) {
    Headers headers;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + (line.size() < text.size() ? 1 : 0));
        const auto colon = line.find(':');
        const auto value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
        headers.emplace_back(line.substr(0, colon), value);
    }
    const auto written = to_text(headers);
    require(written ? headers_from_text(*written) == headers : !written.error().message.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto headers = headers_from_text(text);
    require(headers.size() <= size);
    const auto written = to_text(headers);
    require(written && headers_from_text(*written) == headers);
    check_writing(text);
    return 0;
}
