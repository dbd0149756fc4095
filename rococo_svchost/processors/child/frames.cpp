// SPDX-License-Identifier: MIT
#include "frames.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace rococo::svchost::child {

namespace {

constexpr std::size_t kReadBytes = std::size_t{64} * 1024;
constexpr std::size_t kBytesShown = 16;

template <std::size_t bytes>
void put(std::string& out, std::uint64_t number) {
    std::array<char, bytes> text{};
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(number >> (8 * i));
    out.append(text.data(), bytes);
}

std::uint64_t number_at(std::string_view text, std::size_t at, std::size_t bytes) {
    std::uint64_t number = 0;
    for (std::size_t i = bytes; i-- > 0;)
        number = number << 8U | static_cast<unsigned char>(text[at + i]);
    return number;
}

std::string in_hex(std::string_view text) {
    std::string shown;
    for (const char c : text.substr(0, kBytesShown))
        shown += fmt::format("{}{:02x}", shown.empty() ? "" : " ", static_cast<unsigned char>(c));
    return shown;
}

}  // namespace

void append_header(std::string& out, std::uint8_t kind, std::size_t meta_size,
                   std::size_t payload_size, std::uint64_t seq) {
    put<4>(out, meta_size + payload_size);
    put<1>(out, kind);
    put<3>(out, meta_size);
    put<8>(out, seq);
}

void append_frame(std::string& out, Order order, std::string_view meta, std::uint64_t seq) {
    append_header(out, static_cast<std::uint8_t>(order), meta.size(), 0, seq);
    out += meta;
}

bool FrameReader::read(int descriptor) {
    while (true) {
        if (begin_ == end_) begin_ = end_ = 0;
        if (begin_ > 0 && buffer_.size() - end_ < kReadBytes) {
            std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
            end_ -= begin_;
            begin_ = 0;
        }
        if (buffer_.size() - end_ < kReadBytes) buffer_.resize(end_ + kReadBytes);
        const ssize_t got =
            ::recv(descriptor, buffer_.data() + end_, buffer_.size() - end_, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        if (got == 0) return false;
        end_ += static_cast<std::size_t>(got);
        if (end_ < buffer_.size()) return true;
        // A flood is taken in parts, so that its reader comes to its other work.
        if (end_ - begin_ >= kLargestFrame) return true;
    }
}

Result<std::optional<Frame>> FrameReader::next() {
    const std::string_view waiting(buffer_.data() + begin_, end_ - begin_);
    if (waiting.size() < kHeaderBytes) return std::nullopt;
    const std::size_t size = number_at(waiting, 0, 4);
    const auto kind = static_cast<std::uint8_t>(number_at(waiting, 4, 1));
    const std::size_t meta_size = number_at(waiting, 5, 3);
    const bool to_be_sent = kind == static_cast<std::uint8_t>(Report::send);
    if (meta_size > size || size > (to_be_sent ? kLargestSend : largest_)) {
        return failure(ErrorKind::service,
                       fmt::format("it sent what is no frame: {}", in_hex(waiting)));
    }
    if (waiting.size() < kHeaderBytes + size) return std::nullopt;
    begin_ += kHeaderBytes + size;
    return Frame{.kind = kind,
                 .seq = number_at(waiting, 8, 8),
                 .meta = waiting.substr(kHeaderBytes, meta_size),
                 .payload = waiting.substr(kHeaderBytes + meta_size, size - meta_size)};
}

}  // namespace rococo::svchost::child
