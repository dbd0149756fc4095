// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace rococo::messaging::sqs {

using Sha256 = std::array<unsigned char, 32>;

/// SHA-256 of `data`, as 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view data);

/// HMAC-SHA256 (RFC 2104), the 32 bytes of it.
[[nodiscard]] Sha256 hmac_sha256(std::string_view key, std::string_view data);

/// MD5 of `data`, as 32 lower-case hexadecimal digits: what SQS checks bodies with.
[[nodiscard]] std::string md5_hex(std::string_view data);

/// Bytes as lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(const unsigned char* bytes, std::size_t size);

}  // namespace rococo::messaging::sqs
