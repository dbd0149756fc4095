// SPDX-License-Identifier: MIT
// What a service's own library may look like: it knows nothing of rococo.
#include <nlohmann/json.hpp>

double price_of(const nlohmann::json& order) { return order["price"]; }
