// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rococo/base/result.hpp"

/// The frames between host and child process, protocol 1 (docs/adr/0010): a header of 16 bytes in
/// little endian (size of what follows, kind, size of the metadata, number), metadata as a JSON
/// object, and the payload as it is.
namespace rococo::svchost::child {

inline constexpr int kProtocol = 1;
inline constexpr std::size_t kHeaderBytes = 16;
/// The largest frame that a child may send, except for messages to send.
inline constexpr std::size_t kLargestFrame = std::size_t{16} << 20U;
inline constexpr std::size_t kLargestSend = std::size_t{1} << 30U;
/// The largest frame that there can be. A child takes what its host sends.
inline constexpr std::size_t kLargestOfAll = UINT32_MAX;

/// The child's descriptors: the sockets for work and for its calls of the host, and the page.
inline constexpr int kWorkDescriptor = 3;
inline constexpr int kCallsDescriptor = 4;
inline constexpr int kPageDescriptor = 5;
/// Asks a child to print where it is: in Python, the stacks of all threads.
inline constexpr int kStackSignal = 40;

/// Host to child.
enum class Order : std::uint8_t {
    hello = 1,    ///< Import the processor's module and choose its class.
    message = 2,  ///< The payload is the body.
    run = 3,      ///< Of a schedule.
    stop = 4,     ///< Finish, close and exit.
    start = 5,    ///< Make the instance.
    sent = 18,
    not_sent = 19,
};
/// With `Order::message`: the last of a window.
inline constexpr std::uint8_t kLastOfWindow = 0x40;

/// Child to host.
enum class Report : std::uint8_t {
    ready = 1,
    refused = 2,
    done = 3,
    failed = 4,
    returned = 5,
    started = 6,
    log = 16,
    send = 17,
};
/// Reports with this bit are passed over by whoever does not know them.
inline constexpr std::uint8_t kMayBeIgnored = 0x80;

/// Appends a frame's header; metadata and payload follow it.
void append_header(std::string& out, std::uint8_t kind, std::size_t meta_size,
                   std::size_t payload_size, std::uint64_t seq);
/// Appends a frame without payload.
void append_frame(std::string& out, Order order, std::string_view meta, std::uint64_t seq = 0);

/// A frame as it came. The views are valid until the reader is asked for more.
struct Frame {
    std::uint8_t kind = 0;
    std::uint64_t seq = 0;
    std::string_view meta;
    std::string_view payload;
};

/// Puts frames together from what a descriptor gives.
class FrameReader {
public:
    explicit FrameReader(std::size_t largest = kLargestFrame) : largest_(largest) {}

    /// Reads what is there, without waiting. False: nothing more will come.
    bool read(int descriptor);

    /// The next whole frame; none yet. **Errors**: kind `service`, for what cannot be a frame.
    [[nodiscard]] Result<std::optional<Frame>> next();

private:
    const std::size_t largest_;
    std::string buffer_;
    std::size_t begin_ = 0;  // of what `next` has not given
    std::size_t end_ = 0;    // of what was read
};

}  // namespace rococo::svchost::child
