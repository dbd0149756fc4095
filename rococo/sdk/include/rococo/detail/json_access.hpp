// SPDX-License-Identifier: MIT
#pragma once

/// Makes `value["key"]` and `value[3]` of a const `nlohmann::json` behave like `.at()`: a missing
/// key or index throws and is named. In the plain library this is undefined behaviour, and a
/// missing field in a message must not crash a service.
///
/// Members of a class template can be specialised only before their first use, so this must come
/// directly after the library. They are always inlined, so that another library in the same
/// service, built with the plain header, cannot replace them at link time.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

// Older versions have other overloads. With those, only the assertion catches the error.
#if NLOHMANN_JSON_VERSION_MAJOR == 3 && NLOHMANN_JSON_VERSION_MINOR >= 11
namespace nlohmann {

template <>
[[gnu::always_inline]] inline const json& json::operator[](const std::string& key) const {
    return at(key);
}
template <>
[[gnu::always_inline]] inline const json& json::operator[](std::size_t index) const {
    return at(index);
}
template <>
template <>
[[gnu::always_inline]] inline const json& json::operator[](const char* key) const {
    return at(std::string(key));
}
template <>
template <>
[[gnu::always_inline]] inline const json& json::operator[](char* key) const {
    return at(std::string(key));
}
template <>
template <>
[[gnu::always_inline]] inline const json& json::operator[](std::string_view&& key) const {
    return at(std::string(key));
}
template <>
template <>
[[gnu::always_inline]] inline const json& json::operator[](std::string_view& key) const {
    return at(std::string(key));
}
template <>
template <>
[[gnu::always_inline]] inline const json& json::operator[](const std::string_view& key) const {
    return at(std::string(key));
}

}  // namespace nlohmann
#endif
