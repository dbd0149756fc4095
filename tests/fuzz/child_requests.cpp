// SPDX-License-Identifier: MIT
// What a child wants logged and sent: any metadata. Either it is refused with a reason, or all of
// it is text that a log and a queue can take.
//
// The first byte says which; the next two are the size of the metadata; the rest is the payload.
#include "child_requests.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "rococo/base/utf8.hpp"

namespace {

using namespace rococo;
using namespace rococo::svchost::child;

void require(bool condition) {
    if (!condition) std::abort();
}

void require_text(std::string_view text) { require(!find_invalid_utf8(text)); }

void read_a_log_line(const Frame& frame) {
    const auto line = read_log_line(frame);
    if (!line) return require(!line.error().message.empty());
    require_text(line->level);
    require_text(line->module);
    require(line->text == frame.payload);
}

void read_a_message(const Frame& frame) {
    const auto request = read_send_request(frame);
    if (!request) return require(!request.error().message.empty());
    require(request->seq == frame.seq);
    require(request->message.body == frame.payload);
    require_text(request->queue);
    const messaging::OutgoingMessage& message = request->message;
    for (const std::string_view text :
         {std::string_view(message.id), std::string_view(message.content_type),
          std::string_view(message.correlation_id), std::string_view(message.content_encoding),
          std::string_view(message.reply_to), std::string_view(message.type),
          std::string_view(message.app_id)})
        require_text(text);
    for (const auto& header : message.headers) {
        require_text(header.first);
        require_text(header.second);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
    const std::size_t meta = std::min<std::size_t>(data[1] | data[2] << 8U, rest.size());
    const Frame frame{
        .kind = data[0], .seq = 7, .meta = rest.substr(0, meta), .payload = rest.substr(meta)};
    if (frame.kind % 2 == 0) {
        read_a_log_line(frame);
    } else {
        read_a_message(frame);
    }
    return 0;
}
