// SPDX-License-Identifier: MIT
// The .env parser over any bytes: no crash, and what it accepts keeps its promises.
#include "rococo/configuration/dotenv.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = rococo::parse_dotenv(text, ".env");
    if (!parsed) {
        require(!parsed.error().empty());
        for (const auto& error : parsed.error()) require(error.message.starts_with(".env:"));
        return 0;
    }
    std::set<std::string_view> names;
    std::size_t lines = 1;
    for (const char c : text) lines += c == '\n' ? 1 : 0;
    for (const auto& entry : parsed->entries) {
        require(!entry.name.empty() && names.insert(entry.name).second);
        require(entry.name.find_first_of("= \t\r\n\"'#") == std::string_view::npos);
        require(entry.line >= 1 && entry.line <= lines);
        require(entry.value.size() <= size);
    }
    return 0;
}
