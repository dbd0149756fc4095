// SPDX-License-Identifier: MIT
// Queue addresses and endpoints over any bytes: no crash, and no token for a stranger.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "endpoint.hpp"
#include "queue_address.hpp"

namespace {

using namespace rococo::messaging::sqs;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_address(std::string_view text) {
    const auto address = parse_queue_address(text);
    if (!address) {
        require(!address.error().message.empty());
        return;
    }
    constexpr std::string_view kAllowed =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    require(!address->name.empty() && address->name.size() <= 80);
    require(address->name.find_first_not_of(kAllowed) == std::string::npos);
    const auto letters = parse_queue_address(dead_letter_name(address->name));
    require(letters.has_value() &&
            letters->name.ends_with(".fifo") == address->name.ends_with(".fifo"));
}

void check_url(std::string_view text) {
    const auto url = split_url(text);
    static_cast<void>(mask_userinfo(text));
    static_cast<void>(region_of_host(text));
    if (url.host.empty()) return;
    require(url.path.starts_with('/') && url.authority.starts_with(url.host));
    const auto bare = split_url(without_userinfo(text));
    require(!bare.userinfo && bare.authority == url.authority && bare.path == url.path);
    if (url.userinfo) require(mask_userinfo(text).find("***@") != std::string::npos);
    if (!is_own_address(url)) return;
    require(url.host == "localhost" || url.host.starts_with('[') ||
            url.host.find_first_not_of("0123456789.") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_address(text);
    check_url(text);
    return 0;
}
