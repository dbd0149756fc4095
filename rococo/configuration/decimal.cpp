// SPDX-License-Identifier: MIT
#include "rococo/configuration/decimal.hpp"

#include <cstdint>

#include "rococo/base/text.hpp"

namespace rococo {

using std::chrono::microseconds;

std::size_t decimal_length(std::string_view text) {
    std::size_t length = 0;
    std::size_t digits = 0;
    bool point = false;
    for (; length < text.size(); ++length) {
        if (is_digit(text[length])) {
            ++digits;
        } else if (text[length] == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    return digits > 0 ? length : 0;
}

std::optional<microseconds> scale_decimal(std::string_view number, microseconds unit) {
    std::int64_t total = 0;
    std::size_t i = 0;
    const std::int64_t limit = kLongestDuration.count() / unit.count();
    for (; i < number.size() && number[i] != '.'; ++i) {
        total = total * 10 + (number[i] - '0');
        if (total > limit) return std::nullopt;
    }
    total *= unit.count();
    // Fifteen decimals of a week are far below a microsecond; more would overflow 64 bits.
    constexpr std::int64_t kFinest = 1'000'000'000'000'000;
    std::int64_t numerator = 0;
    std::int64_t denominator = 1;
    for (++i; i < number.size() && denominator < kFinest; ++i) {
        numerator = numerator * 10 + (number[i] - '0');
        denominator *= 10;
    }
    __extension__ using Wide = __int128;
    const auto fraction =
        static_cast<std::int64_t>(static_cast<Wide>(unit.count()) * numerator / denominator);
    const microseconds result(total + fraction);
    if (result > kLongestDuration) return std::nullopt;
    return result;
}

}  // namespace rococo
