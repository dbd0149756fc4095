// SPDX-License-Identifier: MIT
#include "digest.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdexcept>

namespace rococo::messaging::sqs {
namespace {

std::string digest_hex(const EVP_MD* kind, std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &size, kind, nullptr) != 1) {
        // Only a crippled OpenSSL (FIPS without MD5) comes here: nothing can be sent or checked.
        throw std::runtime_error("OpenSSL refuses to compute a digest");
    }
    return to_hex(digest.data(), size);
}

const unsigned char* bytes_of(std::string_view text) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::string to_hex(const unsigned char* bytes, std::size_t size) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    hex.reserve(size * 2);
    for (std::size_t i = 0; i < size; ++i) {
        hex += kDigits[bytes[i] >> 4U];
        hex += kDigits[bytes[i] & 0xFU];
    }
    return hex;
}

std::string sha256_hex(std::string_view data) { return digest_hex(EVP_sha256(), data); }

std::string md5_hex(std::string_view data) { return digest_hex(EVP_md5(), data); }

Sha256 hmac_sha256(std::string_view key, std::string_view data) {
    Sha256 mac{};
    unsigned int size = mac.size();
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(data), data.size(),
             mac.data(), &size) == nullptr) {
        throw std::runtime_error("OpenSSL refuses to compute an HMAC");
    }
    return mac;
}

}  // namespace rococo::messaging::sqs
